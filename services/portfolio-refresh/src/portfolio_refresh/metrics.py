"""Every number that portfolio-refresh shows to Prometheus, beside those of the shared packages."""

from riskstream.runtime.metrics import SLOW, Catalogue

METRICS = Catalogue("portfolio-refresh")

PORTFOLIOS_FOLDED = METRICS.counter(
    "riskstream_folds_written_total",
    "Valuations written",
    {"cause": "`night`, `change`, `symbol`, `revision`, `sweep`"},
)
FOLDS_LOST = METRICS.counter(
    "riskstream_folds_lost_total", "Folds not written because head or version had moved; they are folded again"
)
PORTFOLIOS_NOT_VALUED = METRICS.counter(
    "riskstream_folds_given_up_total", "Portfolios left out of a fold", {"reason": "kinds of faults of a portfolio"}
)
HISTORY_CHANGED = METRICS.counter(
    "riskstream_folds_history_changed_total", "Portfolios whose past was not what was stored, unannounced"
)
FOLD_SECONDS = METRICS.histogram(
    "riskstream_fold_step_seconds", "A batch of portfolios, by step", SLOW, {"step": "`read`, `compute`, `write`"}
)
PORTFOLIOS_BEHIND = METRICS.gauge(
    "riskstream_portfolios_behind", "Portfolios without the valuation they should have, at this replica's last sweep"
)
PORTFOLIOS_FAILING = METRICS.gauge(
    "riskstream_portfolios_failing",
    "Portfolios that could not be valued at their version, at this replica's last sweep",
)
