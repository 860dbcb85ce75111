"""Every number that analytics shows to Prometheus, beside those of the shared packages."""

from riskstream.runtime.metrics import FAST, Catalogue

METRICS = Catalogue("analytics")

ANSWERS = METRICS.counter(
    "riskstream_analytics_answers_total",
    "Answers given",
    {"measure": "the measures", "layer": "where the answer came from: `process`, `redis`, `miss`"},
)
HEAD_SECONDS = METRICS.histogram("riskstream_analytics_head_seconds", "Reading a head", FAST)
COMPUTE_SECONDS = METRICS.histogram(
    "riskstream_analytics_compute_seconds", "From reading a book to its answer", FAST, {"measure": "the measures"}
)
EDITION_SECONDS = METRICS.histogram(
    "riskstream_analytics_edition_load_seconds", "Reading a whole edition", (*FAST, 5, 10)
)
EDITION_FAILURES = METRICS.counter(
    "riskstream_analytics_edition_load_failures_total", "Attempts to read an edition that failed"
)
EDITION_SYMBOLS = METRICS.gauge("riskstream_analytics_edition_symbols", "Symbols held as arrays, all editions together")
REDIS_FAILURES = METRICS.counter(
    "riskstream_analytics_redis_failures_total",
    "Calls to Redis that failed or took too long",
    {"verb": "`get`, `set`, `unlink`"},
)
for _verb in ("get", "set", "unlink"):
    # Shown as 0 from the start: the first failure would otherwise be no increase of anything.
    REDIS_FAILURES.labels(_verb)
REDIS_REFUSED = METRICS.counter(
    "riskstream_analytics_redis_refused_total", "Values in Redis that were not the answer asked for"
)
PROCESS_CACHE_BYTES = METRICS.gauge(
    "riskstream_analytics_process_cache_bytes", "Size of the answers kept in the process"
)
WARMED = METRICS.counter("riskstream_analytics_warmed_total", "Answers computed before somebody asked")
WARMING_DROPPED = METRICS.counter(
    "riskstream_analytics_warming_dropped_total", "Portfolios not warmed because too many were waiting"
)
LIVE_PORTFOLIOS = METRICS.gauge(
    "riskstream_analytics_live_portfolios", "Portfolios whose live updates somebody follows here"
)
LIVE_READS = METRICS.counter(
    "riskstream_analytics_live_reads_total",
    "Statements for all that follow live updates",
    {"ended": "how the statement ended"},
)
LIVE_EVENTS = METRICS.counter(
    "riskstream_analytics_live_events_total",
    "Events told to who follows a portfolio",
    {"event": "kinds of live events"},
)
