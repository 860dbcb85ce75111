"""Every metric of this service."""

from prometheus_client import Counter, Gauge, Histogram

RUNS = Counter("symbol_batch_runs", "Ended attempts of nightly runs.", ["state"])
RUN_SECONDS = Histogram(
    "symbol_batch_run_seconds", "Duration of published nights.", buckets=(1, 5, 15, 60, 180, 600, 1800, 3600)
)
COVERAGE = Gauge("symbol_batch_coverage_ratio", "Priced over active symbols in the last attempt of a night.")
LAST_SESSION = Gauge(
    "symbol_batch_last_published_session_timestamp_seconds", "21:00 New York of the last published session."
)
FRESHNESS = Gauge(
    "riskstream_symbols_freshness_sessions",
    "Sessions whose night is due and that are not published: 0 is fine, 1 from 23:00 New York a warning, 2 critical.",
)
FETCHES = Counter("symbol_batch_fetches", "Symbols asked for, by what it came to.", ["outcome"])
HELD_BARS = Gauge(
    "symbol_batch_held_bars", "Bars held back that nobody has decided about, by the rule they break.", ["rule"]
)
COMPANY_FETCHES = Counter(
    "symbol_batch_company_fetches", "Profiles and statements asked for, by what it came to.", ["kind", "outcome"]
)
REQUESTS = Counter("symbol_batch_requests", "Ended attempts at requested symbols, by what came of them.", ["end"])
