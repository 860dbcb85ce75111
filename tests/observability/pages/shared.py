"""Panels that several dashboards have, and the two forms of PromQL that most are made of."""

from observability.panels import Panel, Query

PEOPLE = 'route!~"/health/.*|/metrics"'


def quantile(of: float, histogram: str, *by: str, where: str = "") -> str:
    """The quantile of a histogram over the last minutes, one line for each value of `by`."""
    labels = ", ".join((*by, "le"))
    return f"histogram_quantile({of}, sum by ({labels}) (rate({histogram}_bucket{{{where}}}[$__rate_interval])))"


def rate(counter: str, *by: str, where: str = "") -> str:
    """How often a second, one line for each value of `by`."""
    return f"sum by ({', '.join(by)}) (rate({counter}{{{where}}}[$__rate_interval]))"


FRESHNESS = Panel(
    "Sessions behind",
    "Sessions whose night is due and that are not published. 1 is normal between 21:00 and the end of the night.",
    "none",
    [Query("max(riskstream_symbols_freshness_sessions)")],
    kind="stat",
    width=4,
    height=5,
    limit=2,
)
OVERDUE = Panel(
    "Night overdue",
    "Since the 21:00 New York of the oldest session that is due and not published. Red from 23:00 New York.",
    "s",
    [Query("max(riskstream_night_overdue_seconds)")],
    kind="stat",
    width=4,
    height=5,
    limit=7200,
)
COVERAGE = Panel(
    "Coverage",
    "Priced over active symbols of the newest night. Under 90 % nothing is published.",
    "percentunit",
    [Query("min(riskstream_night_coverage_ratio)")],
    kind="stat",
    width=4,
    height=5,
    limit=0.95,
    red_below=True,
)
BEHIND = Panel(
    "Portfolios behind and failing",
    "Without the valuation they should have; and those that cannot be valued.",
    "short",
    [
        Query("riskstream_portfolios_behind:max", "behind"),
        Query("riskstream_portfolios_failing:max", "failing"),
    ],
)
OUTBOX = Panel(
    "Oldest event in the outbox",
    "How long the oldest event that is not published has been waiting, by schema.",
    "s",
    [Query("max by (schema) (riskstream_outbox_oldest_age_seconds)", "{{schema}}")],
    limit=30,
)
LAG = Panel(
    "Consumer lag",
    "Records that are not dealt with yet, by group and topic.",
    "short",
    [Query("group_topic:riskstream_consumer_lag_records:sum", "{{group}} {{topic}}")],
)
DEAD_LETTERS = Panel(
    "Dead letters, an hour",
    "Records that became dead letters within the last hour.",
    "short",
    [Query("sum by (group, topic) (increase(riskstream_consumer_dead_letters_total[1h]))", "{{group}} {{topic}}")],
)
LOOP = Panel(
    "Event loop, 99th percentile late",
    "How late the event loop runs what it should, by replica. Red where the alert begins.",
    "s",
    [Query("job_instance:riskstream_event_loop_lag_seconds:p99_rate5m", "{{job}} {{instance}}")],
    limit=0.5,
)
REQUESTS = Panel(
    "Requests",
    "Of people, a second, by service.",
    "reqps",
    [Query("job:riskstream_http_requests:rate5m", "{{job}}")],
)
ERRORS = Panel(
    "Requests that fail",
    "The share that ends with a 5xx. Red is the rate that uses up a month's allowance in two days.",
    "percentunit",
    [
        Query(
            "(job:riskstream_http_errors:rate5m or 0 * job:riskstream_http_requests:rate5m)"
            " / job:riskstream_http_requests:rate5m",
            "{{job}}",
        )
    ],
    limit=0.0144,
)
