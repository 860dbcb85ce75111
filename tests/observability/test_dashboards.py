"""Dashboards: they are what their source says, and ask for what services show."""

import json
import re

import pytest
import yaml

from observability.dashboards import DASHBOARDS, FOLDER, file_of, written
from observability.expressions import WrongExpression, catalogue, labels_of
from observability.panels import COLUMNS, SOURCE, Dashboard, Panel
from observability.rules import FOLDER as OBSERVABILITY
from observability.rules import recorded

PROVISIONING = OBSERVABILITY / "grafana" / "provisioning"
PANELS = [(dashboard, panel) for dashboard in DASHBOARDS for panel in dashboard.panels]


def asked(expression: str) -> str:
    """As Grafana sends it, roughly: its variables have values."""
    return expression.replace("$__rate_interval", "5m").replace("$group", ".*")


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.uid)
def test_a_file_is_what_its_source_says(dashboard: Dashboard) -> None:
    assert file_of(dashboard).read_text() == written(dashboard), "run: make documents"


def test_there_is_no_dashboard_without_source() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {file_of(one).name for one in DASHBOARDS}


@pytest.mark.parametrize(("dashboard", "panel"), PANELS, ids=lambda one: getattr(one, "title", ""))
def test_a_panel_asks_for_what_services_show(dashboard: Dashboard, panel: Panel) -> None:
    for query in panel.queries:
        labels = labels_of(asked(query.expression), recorded())
        named = set(re.findall(r"\{\{(\w+)\}\}", query.legend))
        assert named <= labels, f"{panel.title}: the legend names labels that the expression does not keep"


def test_the_check_finds_a_name_that_is_not_there() -> None:
    with pytest.raises(WrongExpression, match="riskstream_answers"):
        labels_of(asked("sum(rate(riskstream_answers_total[$__rate_interval]))"), recorded())


@pytest.mark.parametrize(("dashboard", "panel"), PANELS, ids=lambda one: getattr(one, "title", ""))
def test_a_panel_says_what_it_shows_and_lines_can_be_told_apart(dashboard: Dashboard, panel: Panel) -> None:
    assert panel.description.endswith("."), "a sentence that explains the figure"
    legends = [query.legend for query in panel.queries]
    assert len(set(legends)) == len(legends)


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.uid)
def test_panels_do_not_overlap(dashboard: Dashboard) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(written(dashboard))["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= COLUMNS
        cells = {(place["x"] + across, place["y"] + down) for across in range(place["w"]) for down in range(place["h"])}
        assert not cells & taken
        taken |= cells


def test_a_choice_offers_values_of_a_label_that_exists() -> None:
    for dashboard in DASHBOARDS:
        if dashboard.choice is not None:
            label, metric = dashboard.choice
            assert label in catalogue()[metric]


def test_dashboards_read_from_the_prometheus_that_is_provisioned() -> None:
    sources = yaml.safe_load((PROVISIONING / "datasources" / "riskstream.yml").read_text())["datasources"]
    assert SOURCE in [{"type": one["type"], "uid": one["uid"]} for one in sources]
    scraped = yaml.safe_load((OBSERVABILITY / "prometheus.yml").read_text())["global"]["scrape_interval"]
    assert [one["jsonData"]["timeInterval"] for one in sources if one["uid"] == SOURCE["uid"]] == [scraped]
