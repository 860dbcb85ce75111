"""The system on one page."""

from observability.pages.shared import (
    BEHIND,
    COVERAGE,
    DEAD_LETTERS,
    ERRORS,
    FRESHNESS,
    LAG,
    LOOP,
    OUTBOX,
    OVERDUE,
    REQUESTS,
)
from observability.panels import Dashboard, Panel, Query

OVERVIEW = Dashboard(
    "riskstream-overview",
    "Riskstream: overview",
    "Is the night done, is what people see fresh, does something wait or fail?",
    [
        Panel(
            "Alerts that fire",
            "How many; the table below names them.",
            "none",
            [Query('count(ALERTS{alertstate="firing"}) or vector(0)')],
            kind="stat",
            width=4,
            height=5,
            limit=1,
        ),
        FRESHNESS,
        OVERDUE,
        COVERAGE,
        Panel(
            "Replicas ready",
            "By service, those that say they are ready for requests.",
            "none",
            [Query("sum by (job) (riskstream_process_ready)", "{{job}}")],
            kind="stat",
            width=8,
            height=5,
            limit=1,
            red_below=True,
        ),
        Panel(
            "What fires",
            "Each has its page in docs/runbooks/alerts. Empty is good.",
            "none",
            [Query('sum by (alertname, severity) (ALERTS{alertstate="firing"})')],
            kind="table",
        ),
        REQUESTS,
        ERRORS,
        BEHIND,
        LAG,
        OUTBOX,
        DEAD_LETTERS,
        Panel(
            "Memory",
            "Resident, by replica.",
            "bytes",
            [Query('process_resident_memory_bytes{job!="prometheus"}', "{{job}} {{instance}}")],
        ),
        LOOP,
    ],
)
