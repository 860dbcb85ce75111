"""What docker-compose.yml promises of every container, held without an engine."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic_settings import BaseSettings

from analytics.settings import AnalyticsSettings
from local_stack.containers import KAFKA_IMAGE, POSTGRES_IMAGE, VALKEY_IMAGE
from local_stack.database import LOGIN_ROLES
from local_stack.folders import PROJECT
from local_stack.kafka_jars import kafka_version
from onboarding.settings import OnboardingSettings
from portfolio_refresh.settings import PortfolioRefreshSettings
from riskstream.messaging.topics import REPLICATION_VARIABLE
from riskstream.runtime.clock import CLOCK_VARIABLE, SET_AT_VARIABLE
from riskstream.runtime.settings import SECRETS_VARIABLE, AuthSettings, BrowserSettings, RateSettings
from symbol_batch.settings import SymbolBatchSettings

COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
CONTAINERS: dict[str, dict[str, Any]] = COMPOSE["services"]
SERVICES: dict[str, type[BaseSettings]] = {
    "analytics": AnalyticsSettings,
    "onboarding": OnboardingSettings,
    "portfolio-refresh": PortfolioRefreshSettings,
    "symbol-batch": SymbolBatchSettings,
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container_has_a_read_only_root_no_capabilities_and_bounds(name: str) -> None:
    container = CONTAINERS[name]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "pid", "ipc", "userns_mode", "network_mode"} & container.keys()
    assert container["mem_limit"]
    assert container["pids_limit"]
    assert not any("docker.sock" in str(volume) for volume in container.get("volumes", []))


@pytest.mark.parametrize("name", CONTAINERS)
def test_no_container_runs_as_root(name: str) -> None:
    container = CONTAINERS[name]
    if container["image"].startswith("riskstream/"):
        assert "user" not in container  # the image's own, which the test below reads
    else:
        assert container["user"].split(":")[0] not in {"0", "root"}


def test_our_images_run_as_a_user_who_is_a_number_and_not_root() -> None:
    users = re.findall(r"^USER (.+)$", (PROJECT / "deploy" / "images" / "Dockerfile").read_text(), re.MULTILINE)
    assert users == ["10001:10001"]


def test_only_the_proxy_has_a_port_on_the_host_and_only_on_the_loopback_interface_unless_told_otherwise() -> None:
    published = {name: container["ports"] for name, container in CONTAINERS.items() if "ports" in container}
    ours = {name: ports for name, ports in published.items() if "observe" not in CONTAINERS[name].get("profiles", [])}
    assert ours == {"proxy": ["${RISKSTREAM_ADDRESS:-127.0.0.1:8080}:8080"]}
    assert all("127.0.0.1:" in port for ports in published.values() for port in ports)


def test_nothing_stands_in_the_way_of_replicas() -> None:
    assert not [name for name, container in CONTAINERS.items() if "container_name" in container]
    assert "portfolio-refresh" not in {name for name, container in CONTAINERS.items() if "ports" in container}


def test_no_password_stands_in_the_file() -> None:
    for name, container in CONTAINERS.items():
        for variable, value in (container.get("environment") or {}).items():
            if re.search("PASSWORD|SECRET|TOKEN|_KEY$|DSN", variable):
                said = str(value)
                mounted = said.startswith("/run/riskstream")
                assert value is None or mounted, f"{name}: {variable}={said}"


def test_every_image_that_is_not_ours_is_pinned_by_a_full_version() -> None:
    for container in CONTAINERS.values():
        if not container["image"].startswith("riskstream/"):
            assert re.fullmatch(r"[a-z./-]+:v?\d+\.\d+(\.\d+)?", container["image"])


def test_the_servers_are_those_that_tests_in_containers_run_on() -> None:
    assert CONTAINERS["postgres"]["image"] == POSTGRES_IMAGE
    assert CONTAINERS["valkey"]["image"] == VALKEY_IMAGE
    assert CONTAINERS["kafka"]["image"] == f"{KAFKA_IMAGE}:{kafka_version()}"


@pytest.mark.parametrize("service", SERVICES)
def test_every_variable_of_a_service_is_one_of_its_settings(service: str) -> None:
    known = {SECRETS_VARIABLE, CLOCK_VARIABLE, SET_AT_VARIABLE, REPLICATION_VARIABLE}
    for settings in (SERVICES[service], AuthSettings, RateSettings, BrowserSettings):
        prefix = settings.model_config["env_prefix"]
        known |= {f"{prefix}{field}".upper() for field in settings.model_fields}
    given = {name for name in CONTAINERS[service]["environment"] if name.startswith("RISKSTREAM_")}
    assert given <= known


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_sees_its_own_secrets_and_nobody_elses(service: str) -> None:
    mounted = [volume for volume in CONTAINERS[service]["volumes"] if volume["source"] == "settings"]
    assert [volume["volume"]["subpath"] for volume in mounted] == [service]
    assert all(volume["read_only"] for volume in mounted)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_waits_for_all_migrations_and_the_topics(service: str) -> None:
    waits = CONTAINERS[service]["depends_on"]
    assert waits["migrate-valuations"] == {"condition": "service_completed_successfully"}
    assert waits["topics"] == {"condition": "service_completed_successfully"}
    assert set(CONTAINERS["migrate-valuations"]["depends_on"]) == {"migrate-portfolios"}
    assert set(CONTAINERS["migrate-portfolios"]["depends_on"]) == {"migrate-symbols"}
    assert set(CONTAINERS["migrate-symbols"]["depends_on"]) == {"roles"}


def test_nothing_of_the_demo_starts_without_its_profile_and_nothing_needs_it() -> None:
    demo = {name for name, container in CONTAINERS.items() if container.get("profiles")}
    assert {"market-simulator", "issuer", "universe", "samples"} <= demo
    for name in CONTAINERS.keys() - demo:
        for waited, how in CONTAINERS[name].get("depends_on", {}).items():
            assert waited not in demo or how["required"] is False, f"{name} waits for {waited}"


def test_the_servers_have_no_way_out() -> None:
    assert COMPOSE["networks"]["data"] == {"internal": True}
    for server in ("postgres", "kafka", "valkey"):
        assert CONTAINERS[server]["networks"] == ["data"]


def test_every_mounted_file_of_the_project_is_there() -> None:
    for config in COMPOSE["configs"].values():
        assert (PROJECT / config["file"]).is_file()
    mounts = [volume for container in CONTAINERS.values() for volume in container.get("volumes", [])]
    ours = [volume.split(":") for volume in mounts if isinstance(volume, str) and volume.startswith("./")]
    assert ours
    for path, _, mode in ours:
        assert (PROJECT / path).exists(), f"{path}: an engine would make an empty folder of it"
        assert mode == "ro"


def test_every_role_that_logs_in_is_given_its_password() -> None:
    script = (PROJECT / "deploy" / "compose" / "roles.sh").read_text()
    roles = re.search(r"^for role in (.+); do$", script, re.MULTILINE)
    assert roles is not None
    assert roles[1].split() == list(LOGIN_ROLES)


def test_every_build_target_is_in_the_dockerfile() -> None:
    targets = set(re.findall(r"^FROM \S+ AS (\S+)$", (PROJECT / "deploy/images/Dockerfile").read_text(), re.MULTILINE))
    built = {container["build"]["target"] for container in CONTAINERS.values() if "build" in container}
    assert built <= targets
    assert built == {*SERVICES, "demo"}


def test_who_scrapes_shares_one_network_with_the_services_so_that_a_replica_is_found_once() -> None:
    for service in SERVICES:
        assert CONTAINERS["prometheus"]["networks"] == ["outside"]
        assert "outside" in CONTAINERS[service].get("networks", ["data", "outside"])


def test_the_proxy_shares_a_network_with_those_alone_whom_it_speaks_to() -> None:
    on_the_edge = {name for name, container in CONTAINERS.items() if "edge" in container.get("networks", [])}
    assert on_the_edge == {"proxy", "onboarding", "analytics"}
    assert CONTAINERS["proxy"]["networks"] == ["edge"]


def test_the_context_of_the_images_has_no_more_than_they_need() -> None:
    ignored = Path(PROJECT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    assert "**/tests" in ignored
