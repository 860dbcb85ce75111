"""Every number that analytics shows to Prometheus, beside those of messaging."""

from prometheus_client import Counter, Gauge, Histogram

_FAST = (0.0002, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)

ANSWERS = Counter("analytics_answers_total", "Answers given, by the layer they came from", ["measure", "layer"])
HEAD_SECONDS = Histogram("analytics_head_seconds", "Reading a head", buckets=_FAST)
COMPUTE_SECONDS = Histogram(
    "analytics_compute_seconds", "From reading a book to its answer", ["measure"], buckets=_FAST
)
EDITION_SECONDS = Histogram("analytics_edition_load_seconds", "Reading a whole edition", buckets=(*_FAST, 5, 10))
EDITION_SYMBOLS = Gauge("analytics_edition_symbols", "Symbols held as arrays, all editions together")
REDIS_FAILURES = Counter("analytics_redis_failures_total", "Calls to Redis that failed or took too long", ["verb"])
REDIS_REFUSED = Counter("analytics_redis_refused_total", "Values in Redis that were not the answer asked for")
PROCESS_CACHE_BYTES = Gauge("analytics_process_cache_bytes", "Size of the answers kept in the process")
WARMED = Counter("analytics_warmed_total", "Answers computed before somebody asked")
WARMING_DROPPED = Counter("analytics_warming_dropped_total", "Portfolios not warmed because too many were waiting")
LIVE_PORTFOLIOS = Gauge("analytics_live_portfolios", "Portfolios whose live updates somebody follows here")
LIVE_READS = Counter("analytics_live_reads_total", "Statements for all that follow, by how they ended", ["ended"])
LIVE_EVENTS = Counter("analytics_live_events_total", "Events told to who follows a portfolio", ["event"])
LOOP_LAG = Histogram("analytics_loop_lag_seconds", "How late the event loop ran something", buckets=_FAST)
