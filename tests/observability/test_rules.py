"""Alerts: that their expressions, texts and tests hold together, and what promtool says of them."""

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
import yaml

from local_stack.testing import REQUIRED, is_required
from observability.expressions import labels_of
from observability.rules import FILES, FOLDER, ROOT, Alert, alerts, groups, recorded

ALERTS = {one.name: one for one in alerts()}
TESTS = sorted((FOLDER / "rules" / "tests").glob("*.yml"))
SERVICES = {"symbol-batch", "portfolio-refresh", "onboarding", "analytics"}


@pytest.fixture(scope="session")
def promtool() -> str:
    found = shutil.which("promtool") or shutil.which("promtool", path=ROOT / ".tools/promtool/usr/bin")
    if found is None:
        reason = "no promtool: run deploy/observability/fetch-promtool"
        if is_required("promtool"):
            pytest.fail(f"{REQUIRED} asks for promtool: {reason}", pytrace=False)
        pytest.skip(reason)
    return found


def run(promtool: str, *arguments: str, folder: Path = FOLDER) -> None:
    done = subprocess.run([promtool, *arguments], check=False, cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_can_read_its_configuration_and_rules(promtool: str) -> None:
    run(promtool, "check", "config", "prometheus.yml")


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_alerts_fire_when_they_must_and_only_then(promtool: str, path: Path) -> None:
    run(promtool, "test", "rules", path.name, folder=path.parent)


def test_every_alert_is_tested_where_it_fires_and_where_it_does_not() -> None:
    fires: Counter[str] = Counter()
    silent: Counter[str] = Counter()
    for path in TESTS:
        for test in yaml.safe_load(path.read_text())["tests"]:
            for check in test["alert_rule_test"]:
                (fires if check["exp_alerts"] else silent)[check["alertname"]] += 1
    assert set(fires) == set(silent) == set(ALERTS)


def test_every_file_of_rules_has_its_file_of_tests() -> None:
    assert [path.name for path in TESTS] == [path.name for path in FILES]


def test_recorded_figures_rest_on_what_services_show() -> None:
    assert recorded(), "there are recording rules"


@pytest.mark.parametrize("alert", ALERTS.values(), ids=lambda alert: alert.name)
def test_an_alert_rests_on_what_services_show(alert: Alert) -> None:
    labels = labels_of(alert.expression, recorded())
    used = set(re.findall(r"\$labels\.(\w+)", " ".join(alert.annotations.values())))
    assert used <= labels, f"{alert.name} speaks of labels that its expression does not keep"


@pytest.mark.parametrize("alert", ALERTS.values(), ids=lambda alert: alert.name)
def test_an_alert_says_how_grave_it_is_and_what_to_read(alert: Alert) -> None:
    assert alert.severity in {"critical", "warning"}
    assert set(alert.annotations) == {"summary", "description", "runbook_url"}
    assert "{{" in alert.annotations["description"], "a description says what was measured, and where"


def test_names_of_alerts_and_groups_are_given_once() -> None:
    assert len(alerts()) == len(ALERTS)
    names = [group["name"] for group in groups()]
    assert len(set(names)) == len(names)


def test_the_partitions_that_are_expected_are_those_that_are_declared() -> None:
    expected = {
        (pattern, int(count))
        for pattern, count in re.findall(
            r'topic=~"([^"]+)"\} > 0\) != (\d+)', ALERTS["KafkaTopicPartitionsWrong"].expression
        )
    }
    topics = yaml.safe_load((ROOT / "deploy" / "topics.yaml").read_text())
    declared = {one["name"]: one["partitions"] for one in topics["topics"]}
    declared |= {
        f"{one['name']}.{group}.dlq": topics["dead_letters"]["partitions"]
        for one in topics["topics"]
        for group in one.get("groups", ())
    }
    for topic, count in declared.items():
        matching = [number for pattern, number in expected if re.fullmatch(pattern, topic)]
        assert matching == [count], f"{topic} has {count} partitions in deploy/topics.yaml"


def test_prometheus_scrapes_every_service_under_its_name() -> None:
    configuration = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    assert {one["job_name"] for one in configuration["scrape_configs"]} >= SERVICES
    absent = ALERTS["ServiceAbsent"].expression
    assert set(re.findall(r'service="([^"]+)"', absent)) == SERVICES
