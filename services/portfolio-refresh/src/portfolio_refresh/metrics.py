"""Every number that portfolio-refresh shows to Prometheus, beside those of messaging."""

from prometheus_client import Counter, Gauge, Histogram

PORTFOLIOS_FOLDED = Counter("portfolios_folded", "Valuations written", ["cause"])
FOLDS_LOST = Counter("folds_lost", "Folds not written because head or version had moved; they are folded again")
PORTFOLIOS_NOT_VALUED = Counter("portfolios_not_valued", "Folds given up, by reason", ["reason"])
HISTORY_CHANGED = Counter("history_changed_unannounced", "Portfolios whose past was not what was stored")
FOLD_SECONDS = Histogram(
    "fold_seconds",
    "A batch of portfolios, by step: read, compute, write",
    ["step"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
PORTFOLIOS_BEHIND = Gauge("portfolios_behind", "Portfolios without the valuation they should have, at the last sweep")
PORTFOLIOS_FAILING = Gauge("portfolios_failing", "Portfolios that could not be valued at their version, last sweep")
