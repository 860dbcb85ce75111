"""The valuing of portfolios."""

from observability.pages.shared import BEHIND, quantile, rate
from observability.panels import Dashboard, Panel, Query

REFRESH = Dashboard(
    "riskstream-portfolio-refresh",
    "Riskstream: portfolio-refresh",
    "The valuing of portfolios.",
    [
        BEHIND,
        Panel(
            "Valuations written",
            "A second, by cause.",
            "ops",
            [Query(rate("riskstream_folds_written_total", "cause"), "{{cause}}")],
        ),
        Panel(
            "Folds lost and given up",
            "Lost ones are folded again; those given up are left out with a reason.",
            "ops",
            [
                Query("sum(rate(riskstream_folds_lost_total[$__rate_interval]))", "lost"),
                Query(rate("riskstream_folds_given_up_total", "reason"), "given up: {{reason}}"),
            ],
        ),
        Panel(
            "A batch, 95th percentile",
            "By step: reading, computing, writing.",
            "s",
            [Query(quantile(0.95, "riskstream_fold_step_seconds", "step"), "{{step}}")],
        ),
        Panel(
            "Lag of its groups",
            "Records that are not dealt with yet.",
            "short",
            [
                Query(
                    'group_topic:riskstream_consumer_lag_records:sum{group=~"portfolio-refresh.*"}',
                    "{{group}} {{topic}}",
                )
            ],
        ),
        Panel(
            "History changed",
            "Portfolios whose past was not what was stored, unannounced: folded anew from their first session.",
            "short",
            [Query("sum(increase(riskstream_folds_history_changed_total[1h]))", "an hour")],
        ),
    ],
)
