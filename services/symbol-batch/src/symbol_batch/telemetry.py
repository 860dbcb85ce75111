"""Every metric of this service, beside those of the shared packages."""

import math

from riskstream.runtime.metrics import Catalogue

METRICS = Catalogue("symbol-batch")

RUNS = METRICS.counter(
    "riskstream_night_attempts_total",
    "Ended attempts of nightly runs",
    {"state": "`completed`, `completed_with_warnings`, `failed`, `fenced`"},
)
for _state in ("completed", "completed_with_warnings", "failed", "fenced"):
    # Shown as 0 from the start: the first failure would otherwise be no increase of anything.
    RUNS.labels(_state)
RUN_SECONDS = METRICS.histogram(
    "riskstream_night_seconds", "Duration of published nights", (1, 5, 15, 60, 180, 600, 1800, 3600)
)
COVERAGE = METRICS.gauge(
    "riskstream_night_coverage_ratio",
    "Priced over active symbols of the newest night that has counted them; NaN where none has",
)
COVERAGE.set(math.nan)
PUBLISHED_SESSION = METRICS.gauge(
    "riskstream_night_published_session_timestamp_seconds",
    "21:00 New York of the last published session; 0 where none is",
)
DUE_SESSION = METRICS.gauge(
    "riskstream_night_due_session_timestamp_seconds", "21:00 New York of the newest session whose night is due"
)
OVERDUE = METRICS.gauge(
    "riskstream_night_overdue_seconds",
    "Since the 21:00 New York of the oldest due session that is not published, by the service's clock; 0 where there"
    " is none. 7,200 is 23:00 New York",
)
FRESHNESS = METRICS.gauge(
    "riskstream_symbols_freshness_sessions",
    "Sessions whose night is due and that are not published: 0 is fine, 1 from 23:00 New York a warning, 2 critical",
)
FETCHES = METRICS.counter(
    "riskstream_price_fetches_total", "Symbols asked for", {"outcome": "what a provider's answer came to"}
)
HELD_BARS = METRICS.gauge(
    "riskstream_quarantine_bars", "Bars held back that nobody has decided about", {"rule": "rules that hold bars"}
)
COMPANY_FETCHES = METRICS.counter(
    "riskstream_company_fetches_total",
    "Profiles and statements asked for",
    {"kind": "`profile`, `fundamentals`", "outcome": "what a provider's answer came to"},
)
REQUESTS = METRICS.counter(
    "riskstream_symbol_request_attempts_total",
    "Ended attempts at requested symbols",
    {"end": "what came of the attempt"},
)
