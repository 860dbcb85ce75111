"""The manifests say what the project is: settings, topics, groups, routes and names are looked up in it."""

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from analytics.settings import AnalyticsSettings
from kubernetes import rules
from kubernetes.manifests import OVERLAYS, ROOT, faults, rendered
from onboarding.settings import OnboardingSettings
from portfolio_refresh.settings import PortfolioRefreshSettings
from riskstream.runtime.health import Health
from riskstream.runtime.settings import AuthSettings
from symbol_batch.settings import SymbolBatchSettings

SERVICES = {
    "analytics": AnalyticsSettings,
    "onboarding": OnboardingSettings,
    "portfolio-refresh": PortfolioRefreshSettings,
    "symbol-batch": SymbolBatchSettings,
}
RUNBOOK = ROOT / "docs/runbooks/kubernetes.md"


def _of(overlay: str, kind: str) -> list[dict[str, Any]]:
    return [one for one in rendered(overlay) if one["kind"] == kind]


def _pods(overlay: str) -> list[dict[str, Any]]:
    kinds = _of(overlay, "Deployment") + _of(overlay, "Job")
    crons = [cron["spec"]["jobTemplate"] for cron in _of(overlay, "CronJob")]
    return [one["spec"]["template"] for one in kinds + crons]


def _containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_overlay_is_what_the_api_takes(overlay: str) -> None:
    assert [fault for one in rendered(overlay) for fault in faults(one)] == []


def test_a_field_that_the_api_does_not_know_is_found() -> None:
    broken = copy.deepcopy(_of("production", "Deployment")[0])
    broken["spec"]["replica"] = 1
    assert list(faults(broken))


@pytest.mark.parametrize(
    ("kind", "spoil"),
    [
        ("ScaledObject", lambda spec: spec.update(maxReplicas=24)),
        ("ScaledObject", lambda spec: spec["triggers"][0]["metadata"].update(lagThreshold=4)),
        ("ScaledObject", lambda spec: spec.pop("scaleTargetRef")),
        ("HTTPRoute", lambda spec: spec["rules"][0].update(timeout={"request": "0s"})),
        ("HTTPRoute", lambda spec: spec["rules"][0]["timeouts"].update(request="30 s")),
        ("HTTPRoute", lambda spec: spec["rules"][0]["backendRefs"][0].update(port="8000")),
        ("PodMonitor", lambda spec: spec["podMetricsEndpoints"][0].update(targetport="http")),
        ("PrometheusRule", lambda spec: spec["groups"][0]["rules"][0].update(expression="up")),
    ],
)
def test_a_custom_resource_with_a_field_that_is_none_is_found(kind: str, spoil: Callable[[Any], Any]) -> None:
    broken = copy.deepcopy(_of("production", kind)[0])
    assert not list(faults(broken))
    spoil(broken["spec"])
    assert list(faults(broken))


def test_a_kind_that_nobody_has_looked_up_is_found() -> None:
    assert list(faults({"apiVersion": "example.com/v1", "kind": "Unheard", "metadata": {"name": "of"}, "spec": {}}))


def test_the_rules_are_those_that_are_tested() -> None:
    assert rules.FILE.read_text() == rules.written(), "run `make documents`"


def test_every_service_is_scraped_under_its_own_name() -> None:
    [monitor] = _of("production", "PodMonitor")
    [selector] = monitor["spec"]["selector"]["matchExpressions"]
    assert set(selector["values"]) == SERVICES.keys()
    assert selector["key"] == monitor["spec"]["jobLabel"]
    [endpoint] = monitor["spec"]["podMetricsEndpoints"]
    for deployment in _of("production", "Deployment"):
        template = deployment["spec"]["template"]
        assert template["metadata"]["labels"][monitor["spec"]["jobLabel"]] == deployment["metadata"]["name"]
        assert endpoint["port"] in {port["name"] for port in _containers(template)[0]["ports"]}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_variable_is_a_setting(overlay: str) -> None:
    shared = next(
        one
        for one in _of(overlay, "ConfigMap")
        if one["metadata"]["name"].startswith("riskstream-") and "RISKSTREAM_KAFKA" in one["data"]
    )
    for deployment in _of(overlay, "Deployment"):
        name = deployment["metadata"]["name"]
        known = {f"RISKSTREAM_{field.upper()}" for field in SERVICES[name].model_fields}
        known |= {f"RISKSTREAM_AUTH_{field.upper()}" for field in AuthSettings.model_fields} | {"OTEL_SERVICE_NAME"}
        named = {variable["name"] for variable in _containers(deployment["spec"]["template"])[0]["env"]}
        assert named | shared["data"].keys() <= known, name


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_pod_is_restricted_and_has_no_token(overlay: str) -> None:
    for pod in _pods(overlay):
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
        for container in _containers(pod):
            rights = container["securityContext"]
            assert rights["readOnlyRootFilesystem"] is True
            assert rights["allowPrivilegeEscalation"] is False
            assert rights["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}
            assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_network_policy_and_its_images_are_there_for_every_pod(overlay: str) -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    images = {service["image"].split(":")[0] for service in compose.values()}
    selected = [one["spec"]["podSelector"].get("matchLabels", {}) for one in _of(overlay, "NetworkPolicy")]
    for pod in _pods(overlay):
        labels = pod["metadata"]["labels"].items()
        assert any(labels >= policy.items() for policy in selected if policy), labels
        assert all(container["image"].split(":")[0] in images for container in _containers(pod))


def test_it_scales_on_groups_and_partitions_that_are_there() -> None:
    topics = {one["name"]: one for one in yaml.safe_load((ROOT / "deploy/topics.yaml").read_text())["topics"]}
    spec = _of("production", "ScaledObject")[0]["spec"]
    for trigger in spec["triggers"]:
        assert trigger["metadata"]["consumerGroup"] in topics[trigger["metadata"]["topic"]]["groups"]
    assert spec["maxReplicaCount"] == topics["portfolio.refresh.requested"]["partitions"]


def test_topics_are_those_of_the_project() -> None:
    assert (ROOT / "deploy/k8s/base/topics.yaml").read_bytes() == (ROOT / "deploy/topics.yaml").read_bytes()


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_secret_is_described(overlay: str) -> None:
    described = RUNBOOK.read_text()
    text = "\n".join(map(str, _pods(overlay)))
    keys = set(re.findall(r"'secretKeyRef': (\{[^}]*\})", text))
    assert keys
    for key in map(yaml.safe_load, keys):
        assert f"| `{key['name']}` | `{key['key']}` |" in described


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_probes_ask_what_services_answer(overlay: str) -> None:
    paths = {route.path for route in Health().router().routes}
    for deployment in _of(overlay, "Deployment"):
        [container] = _containers(deployment["spec"]["template"])
        assert container["ports"] == [{"containerPort": 8000, "name": "http"}]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert container[probe]["httpGet"]["path"] in paths
            assert container[probe]["httpGet"]["port"] == "http"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_services_and_budgets_select_pods_of_deployments_alone(overlay: str) -> None:
    jobs = [pod["metadata"]["labels"] for pod in _pods(overlay) if pod["spec"].get("restartPolicy") == "Never"]
    for service in _of(overlay, "Service"):
        assert not any(labels.items() >= service["spec"]["selector"].items() for labels in jobs)
