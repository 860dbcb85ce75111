"""Answers."""

from observability.pages.shared import PEOPLE, quantile, rate
from observability.panels import Dashboard, Panel, Query

ANALYTICS = Dashboard(
    "riskstream-analytics",
    "Riskstream: analytics",
    "Answers: from where, how fast, at what cost of memory.",
    [
        Panel(
            "Answers by layer",
            "A second: from this process, from Redis, or computed (miss).",
            "ops",
            [Query(rate("riskstream_analytics_answers_total", "layer"), "{{layer}}")],
        ),
        Panel(
            "Answers not computed",
            "The share that came from the process or from Redis.",
            "percentunit",
            [
                Query(
                    'sum(rate(riskstream_analytics_answers_total{layer!="miss"}[$__rate_interval]))'
                    " / sum(rate(riskstream_analytics_answers_total[$__rate_interval]))",
                    "hits",
                )
            ],
        ),
        Panel(
            "Answers by measure",
            "A second.",
            "ops",
            [Query(rate("riskstream_analytics_answers_total", "measure"), "{{measure}}")],
        ),
        Panel(
            "Requests",
            "From arrival to the end of the answer, streams left out. Red: 99 % should be faster.",
            "s",
            [
                Query(quantile(0.5, "riskstream_http_request_seconds", where=f'job="analytics", {PEOPLE}'), "median"),
                Query(quantile(0.99, "riskstream_http_request_seconds", where=f'job="analytics", {PEOPLE}'), "99 %"),
            ],
            limit=0.5,
        ),
        Panel(
            "Computing, 95th percentile",
            "From reading a book to its answer, by measure.",
            "s",
            [Query(quantile(0.95, "riskstream_analytics_compute_seconds", "measure"), "{{measure}}")],
        ),
        Panel(
            "Reading a head, 99th percentile",
            "The one statement that every request waits for.",
            "s",
            [Query(quantile(0.99, "riskstream_analytics_head_seconds"), "head")],
        ),
        Panel(
            "Memory",
            "Resident, and what of it is answers.",
            "bytes",
            [
                Query('process_resident_memory_bytes{job="analytics"}', "{{instance}}"),
                Query("riskstream_analytics_process_cache_bytes", "{{instance}} answers"),
            ],
        ),
        Panel(
            "Editions in memory",
            "Symbols held as arrays, all editions together, by replica.",
            "short",
            [Query("riskstream_analytics_edition_symbols", "{{instance}}")],
        ),
        Panel(
            "Redis fails",
            "Calls a second that failed or took too long. Answers are computed instead. Red where the alert begins.",
            "ops",
            [Query(rate("riskstream_analytics_redis_failures_total", "verb"), "{{verb}}")],
            limit=0.1,
        ),
        Panel(
            "Live updates",
            "Portfolios that somebody follows, and open streams, by replica.",
            "short",
            [
                Query("riskstream_analytics_live_portfolios", "{{instance}} portfolios"),
                Query('riskstream_http_event_streams{job="analytics"}', "{{instance}} streams"),
            ],
        ),
        Panel(
            "Warming",
            "Answers computed before somebody asked, and portfolios for which there was no time, a second.",
            "ops",
            [
                Query("sum(rate(riskstream_analytics_warmed_total[$__rate_interval]))", "warmed"),
                Query("sum(rate(riskstream_analytics_warming_dropped_total[$__rate_interval]))", "dropped"),
            ],
        ),
    ],
)
