"""Commands of operators come in by the same variables as services, and say why they are turned away."""

import pytest
from typer.testing import CliRunner

import portfolio_refresh.settings
import symbol_batch.settings
from local_stack.system import TOPICS_FILE
from riskstream.command_line import settings_from_environment
from riskstream.doctor.examination import Examined, all_checks, examine
from riskstream.doctor.settings import DoctorSettings
from riskstream.doctor.visit import Visit
from riskstream.messaging import topics
from riskstream.messaging.access_rules import OPERATOR
from riskstream.messaging.dead_letter_command import app as dead_letters
from riskstream.runtime.clock import Clock
from riskstream.runtime.settings import KafkaAccess
from secured_kafka.cluster import DECLARED, PASSWORDS, Cluster

OF_KAFKA = {"kafka", "topics", "dead letters", "consumer lag"}


@pytest.fixture
def operator(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An operator's environment."""
    for name, value in cluster.environment(OPERATOR).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RISKSTREAM_KAFKA_PASSWORD", PASSWORDS[OPERATOR])
    monkeypatch.setenv("RISKSTREAM_TOPICS_FILE", str(TOPICS_FILE))
    return monkeypatch


async def _examined() -> list[Examined]:
    checks = [check for check in all_checks(()) if check.name in OF_KAFKA]
    assert len(checks) == len(OF_KAFKA)
    async with Visit(DoctorSettings(), {}, (), Clock()) as visit:
        return [one async for one in examine(visit, checks, mend=False)]


async def test_the_doctor_sees_the_cluster_its_topics_letters_and_lag(operator: pytest.MonkeyPatch) -> None:
    seen = await _examined()
    assert {one.check for one in seen} == OF_KAFKA
    assert [one.finding for one in seen if one.finding.verdict == "not checked"] == []
    assert [one.finding for one in seen if one.finding.wrong and one.check != "dead letters"] == []
    assert {topic.name for topic in DECLARED.every_topic()} <= {one.finding.about for one in seen}


async def test_the_doctor_says_why_it_is_turned_away(operator: pytest.MonkeyPatch) -> None:
    operator.setenv("RISKSTREAM_KAFKA_PASSWORD", "wr0ng")
    [cluster] = [one.finding for one in await _examined() if one.check == "kafka"]
    assert cluster.verdict == "failed"
    assert "invalid credentials" in cluster.found
    assert "wr0ng" not in cluster.found


def test_the_topics_command_comes_in_and_names_what_is_wrong(
    operator: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert topics.main(["--file", str(TOPICS_FILE)]) == 0
    assert f"{len(DECLARED.every_topic())} existed" in capsys.readouterr().out
    operator.setenv("RISKSTREAM_KAFKA_PASSWORD", "wr0ng")
    assert topics.main(["--file", str(TOPICS_FILE)]) == 1
    said = capsys.readouterr().err
    assert "invalid credentials" in said
    assert "wr0ng" not in said
    operator.delenv("RISKSTREAM_KAFKA_PASSWORD")
    with pytest.raises(SystemExit) as ended:
        topics.main(["--file", str(TOPICS_FILE)])
    assert ended.value.code == 2
    assert "RISKSTREAM_KAFKA_PASSWORD: it is not set" in capsys.readouterr().err


def test_dead_letters_are_read_by_the_same_way_in(operator: pytest.MonkeyPatch) -> None:
    listed = CliRunner().invoke(dead_letters, ["list"])
    assert listed.exit_code == 0, listed.output
    operator.setenv("RISKSTREAM_KAFKA_PASSWORD", "wr0ng")
    refused = CliRunner().invoke(dead_letters, ["list"])
    assert refused.exit_code == 1
    assert "invalid credentials" in str(refused.exception)


@pytest.mark.parametrize(
    "settings", [symbol_batch.settings.CommandSettings, portfolio_refresh.settings.CommandSettings]
)
def test_commands_that_do_not_speak_to_kafka_need_nothing_of_it(
    operator: pytest.MonkeyPatch, settings: type[KafkaAccess]
) -> None:
    """A nightly job of the orchestrator's has the services' variables and neither their password nor their files."""
    operator.setenv("RISKSTREAM_POSTGRES_DSN", "postgresql://a:b@127.0.0.1:1/c")
    operator.setenv("RISKSTREAM_KAFKA_CA_FILE", "/nowhere/ca.crt")
    operator.delenv("RISKSTREAM_KAFKA_PASSWORD")
    assert settings_from_environment(settings)
