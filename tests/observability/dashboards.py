"""The dashboards: `python -m observability.dashboards`, part of `make documents`, writes them for Grafana."""

import json
from pathlib import Path

from observability.pages.analytics import ANALYTICS
from observability.pages.events import EVENTS
from observability.pages.night import NIGHT
from observability.pages.overview import OVERVIEW
from observability.pages.refresh import REFRESH
from observability.panels import Dashboard
from observability.rules import FOLDER as OBSERVABILITY

FOLDER = OBSERVABILITY / "grafana" / "dashboards"
DASHBOARDS = (OVERVIEW, NIGHT, REFRESH, ANALYTICS, EVENTS)


def written(dashboard: Dashboard) -> str:
    """The file of a dashboard."""
    return json.dumps(dashboard.json(), indent=2, ensure_ascii=False) + "\n"


def file_of(dashboard: Dashboard) -> Path:
    """Where Grafana's provisioning finds it."""
    return FOLDER / f"{dashboard.uid}.json"


def main() -> None:
    """Write them all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for dashboard in DASHBOARDS:
        file_of(dashboard).write_text(written(dashboard))


if __name__ == "__main__":
    main()
