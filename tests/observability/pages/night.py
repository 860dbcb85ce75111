"""The symbol layer."""

from observability.pages.shared import COVERAGE, FRESHNESS, OVERDUE, rate
from observability.panels import Dashboard, Panel, Query

NIGHT = Dashboard(
    "riskstream-night",
    "Riskstream: nights",
    "The symbol layer: what is published, what providers answered, what is held back.",
    [
        FRESHNESS,
        OVERDUE,
        COVERAGE,
        Panel(
            "Published up to",
            "21:00 New York of the last published session, and of the one that is due.",
            "dateTimeAsIso",
            [
                Query("1000 * max(riskstream_night_published_session_timestamp_seconds)", "published"),
                Query("1000 * max(riskstream_night_due_session_timestamp_seconds)", "due"),
            ],
            kind="stat",
            width=12,
            height=5,
        ),
        Panel(
            "Attempts that ended, a day",
            "By what became of them.",
            "short",
            [Query("sum by (state) (increase(riskstream_night_attempts_total[1d]))", "{{state}}")],
        ),
        Panel(
            "Duration of nights",
            "Mean of those published within a day.",
            "s",
            [
                Query(
                    "sum(increase(riskstream_night_seconds_sum[1d]))"
                    " / sum(increase(riskstream_night_seconds_count[1d]))",
                    "mean",
                )
            ],
        ),
        Panel(
            "Prices asked for",
            "Symbols a second, by what the provider's answer came to.",
            "ops",
            [Query(rate("riskstream_price_fetches_total", "outcome"), "{{outcome}}")],
        ),
        Panel(
            "Profiles and statements asked for",
            "A second, by what the provider's answer came to.",
            "ops",
            [Query(rate("riskstream_company_fetches_total", "kind", "outcome"), "{{kind}} {{outcome}}")],
        ),
        Panel(
            "Requested symbols",
            "Attempts that ended, an hour, by what came of them.",
            "short",
            [Query("sum by (end) (increase(riskstream_symbol_request_attempts_total[1h]))", "{{end}}")],
        ),
        Panel(
            "Bars held back",
            "Waiting in quarantine for a second source, the next night or a person, by rule.",
            "short",
            [Query("max by (rule) (riskstream_quarantine_bars)", "{{rule}}")],
        ),
    ],
)
