"""While Kafka is away the client's failed connects are two lines of the log, and nothing else is hidden."""

import asyncio
import logging
import ssl
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    GroupCoordinatorNotAvailableError,
    KafkaConnectionError,
    NodeNotReadyError,
    SaslAuthenticationFailed,
)
from structlog.testing import capture_logs

from riskstream.messaging import outages
from riskstream.messaging.outages import OUTAGE, OutageFilter

CLIENT = "aiokafka.consumer.group_coordinator"
CONNECT = "Unable connect to node with id %s: %s"


def line(message: str, *arguments: object, level: int = logging.ERROR, name: str = CLIENT) -> logging.LogRecord:
    return logging.LogRecord(name, level, "file", 1, message, arguments, None)


def test_connects_that_fail_are_one_line_however_many_there_are() -> None:
    outage = OutageFilter(calm=0)
    with capture_logs() as said:
        for error in (ConnectionRefusedError(111, "refused"), KafkaConnectionError("closed"), NodeNotReadyError(1)):
            for _ in range(20):
                assert not outage.filter(line(CONNECT, 1, error))
        outage.answered()
        outage.answered()
    assert [entry["event"] for entry in said] == ["kafka_lost", "kafka_back"]
    assert said[0]["said"] == "Unable connect to node with id 1: [Errno 111] refused"
    assert said[1]["lines_not_logged"] == 59


@pytest.mark.parametrize(
    "record",
    [
        line("Group Coordinator Request failed: %s", GroupAuthorizationFailedError("ledger")),
        line(CONNECT, 1, ssl.SSLCertVerificationError("self-signed")),
        line("Topic %s not found in cluster metadata", "ledger.deposit"),
        line("Heartbeat failed for group %s because it is rebalancing", "ledger", level=logging.WARNING),
        line("Unexpected error in fetcher routine"),
        line("Discovered coordinator %s", KafkaConnectionError("only told"), level=logging.INFO),
    ],
    ids=lambda record: record.msg.split(" %s")[0],
)
def test_every_other_line_passes_before_and_during_an_outage(record: logging.LogRecord) -> None:
    outage = OutageFilter()
    assert outage.filter(record)
    outage.filter(line(CONNECT, 1, KafkaConnectionError("closed")))
    assert outage.filter(record)


@pytest.mark.parametrize(
    "follows",
    [
        line("Marking the coordinator dead (node %s)for group %s.", 1, "ledger", level=logging.WARNING),
        line("Group Coordinator Request failed: %s", GroupCoordinatorNotAvailableError()),
    ],
    ids=["coordinator lost", "coordinator not there yet"],
)
def test_what_follows_from_a_failed_connect_is_dropped_only_where_there_is_one(follows: logging.LogRecord) -> None:
    outage = OutageFilter()
    assert outage.filter(follows)
    outage.filter(line(CONNECT, 1, KafkaConnectionError("closed")))
    assert not outage.filter(follows)


def test_one_broker_of_many_that_stays_away_is_one_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    outage, now = OutageFilter(calm=10), 0.0
    monkeypatch.setattr(outages.time, "monotonic", lambda: now)
    with capture_logs() as said:
        for second in range(30):
            now = float(second)
            outage.filter(line(CONNECT, 2, KafkaConnectionError("closed")))
            outage.answered()
        assert [entry["event"] for entry in said] == ["kafka_lost"]
        now = 45.0
        outage.answered()
    assert said[-1]["event"] == "kafka_back"
    assert said[-1]["away_seconds"] == 29.0


def test_a_refusal_is_told_once_with_where_to_read_on_and_its_line_passes() -> None:
    outage = OutageFilter()
    with capture_logs() as said:
        for _ in range(3):
            assert outage.filter(line(CONNECT, 1, SaslAuthenticationFailed("invalid credentials")))
        assert outage.refusal is not None
        assert "invalid credentials" in outage.refusal
        assert outage.filter(line(CONNECT, 1, ssl.SSLCertVerificationError("self-signed")))
        outage.let_in()
        outage.let_in()
        assert outage.refusal is None
    assert [entry["event"] for entry in said] == ["kafka_refused", "kafka_refused", "kafka_lets_in_again"]
    assert "self-signed" in said[1]["reason"]
    assert (Path(__file__).parents[3] / said[0]["mend"].split(",")[0]).is_file()


async def test_a_broker_that_is_gone_for_seconds_is_two_lines_of_the_log(
    ledger: Any,
    running: Any,
    eventually: Any,
    kafka_server: Any,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(OUTAGE, "_calm", 1.0)
    monkeypatch.setattr(OUTAGE, "_began_at", None)
    timing = ledger.consumer()._timing.model_copy(update={"measure_interval": 0.5})
    async with running(ledger.relay()), running(ledger.consumer(timing=timing)):
        await ledger.say(ledger.deposit(account="a", n=0))
        await eventually(ledger.entries)
        caplog.clear()
        with capture_logs() as said:
            await asyncio.to_thread(kafka_server.kill)
            await asyncio.sleep(3)
            await ledger.say(ledger.deposit(account="a", n=1))
            await asyncio.to_thread(kafka_server.start)

            async def back() -> bool:
                return "kafka_back" in [entry["event"] for entry in said]

            await eventually(back, within=40)
    told = [entry for entry in said if entry["event"] in {"kafka_lost", "kafka_back"}]
    print(f"not logged: {told[-1]['lines_not_logged']} lines")
    assert [entry["event"] for entry in told] == ["kafka_lost", "kafka_back"]
    assert told[-1]["lines_not_logged"] > 10
    loud = [entry.getMessage() for entry in caplog.records if entry.name.startswith("aiokafka") and entry.levelno >= 30]
    assert not [message for message in loud if "connect" in message.lower()], loud
