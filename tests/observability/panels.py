"""What a dashboard of Grafana is made of, as far as ours use it, and its JSON."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Unit = Literal["short", "s", "bytes", "percentunit", "reqps", "ops", "dateTimeAsIso", "none"]
Kind = Literal["timeseries", "stat", "table"]

SCHEMA_VERSION = 41
"""Of Grafana 12; older ones are brought up by Grafana itself."""
COLUMNS = 24
SOURCE = {"type": "prometheus", "uid": "prometheus"}
"""By the uid of deploy/observability/grafana/provisioning."""


@dataclass(frozen=True)
class Query:
    """An expression of PromQL, and how its lines are called: `{{label}}` or words."""

    expression: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """A picture. `limit`: from where on it is red; what an alert watches is red where the alert begins."""

    title: str
    description: str
    unit: Unit
    queries: Sequence[Query]
    kind: Kind = "timeseries"
    width: int = 8
    height: int = 8
    limit: float | None = None
    red_below: bool = False

    def json(self, number: int, x: int, y: int) -> dict[str, Any]:
        """As Grafana keeps it."""
        return {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "datasource": SOURCE,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "fieldConfig": {"defaults": self._defaults(), "overrides": []},
            "options": _OPTIONS[self.kind],
            "targets": [self._target(index, one) for index, one in enumerate(self.queries)],
        }

    def _defaults(self) -> dict[str, Any]:
        fine, wrong = ("red", "green") if self.red_below else ("green", "red")
        steps: list[dict[str, Any]] = [{"color": fine, "value": None}]
        if self.limit is not None:
            steps.append({"color": wrong, "value": self.limit})
        defaults: dict[str, Any] = {"unit": self.unit, "thresholds": {"mode": "absolute", "steps": steps}}
        if self.kind == "timeseries":
            shown = "off" if self.limit is None else "line"
            defaults |= {"min": 0, "custom": {"fillOpacity": 10, "thresholdsStyle": {"mode": shown}}}
            defaults["color"] = {"mode": "palette-classic"}
        return defaults

    def _target(self, index: int, query: Query) -> dict[str, Any]:
        target = {
            "refId": chr(ord("A") + index),
            "datasource": SOURCE,
            "expr": query.expression,
            "legendFormat": query.legend,
        }
        if self.kind == "timeseries":
            return {**target, "range": True}
        form = "table" if self.kind == "table" else "time_series"
        return {**target, "instant": True, "format": form}


@dataclass(frozen=True)
class Dashboard:
    """A page of panels, laid out from left to right. `choice`: a label and a metric that knows its values."""

    uid: str
    title: str
    description: str
    panels: Sequence[Panel]
    choice: tuple[str, str] | None = None
    tags: Sequence[str] = field(default=("riskstream",))

    def json(self) -> dict[str, Any]:
        """As Grafana's provisioning reads it."""
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": list(self.tags),
            "schemaVersion": SCHEMA_VERSION,
            "editable": False,
            "graphTooltip": 1,
            "time": {"from": "now-6h", "to": "now"},
            "refresh": "30s",
            "timezone": "browser",
            "links": [_BETWEEN],
            "templating": {"list": [self._variable(*self.choice)] if self.choice else []},
            "panels": self._laid_out(),
        }

    def _laid_out(self) -> list[dict[str, Any]]:
        x = y = row = 0
        laid = []
        for number, panel in enumerate(self.panels, 1):
            if x + panel.width > COLUMNS:
                x, y, row = 0, y + row, 0
            laid.append(panel.json(number, x, y))
            x, row = x + panel.width, max(row, panel.height)
        return laid

    @staticmethod
    def _variable(label: str, metric: str) -> dict[str, Any]:
        asked = f"label_values({metric}, {label})"
        return {
            "name": label,
            "type": "query",
            "datasource": SOURCE,
            "definition": asked,
            "query": {"query": asked, "refId": "variable"},
            "refresh": 2,
            "sort": 1,
            "includeAll": True,
            "multi": True,
            "allValue": ".*",
            "current": {"text": "All", "value": "$__all"},
        }


_BETWEEN = {"type": "dashboards", "title": "Riskstream", "tags": ["riskstream"], "asDropdown": True, "keepTime": True}
_OPTIONS: dict[Kind, dict[str, Any]] = {
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom"},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "background", "graphMode": "none"},
    "table": {"showHeader": True},
}
