"""Every client is let in by each way that a cluster may offer, and says why where it is not."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka.admin import NewTopic
from aiokafka.errors import KafkaConnectionError
from pydantic import SecretStr
from structlog.testing import capture_logs

from local_stack.certificates import Authority
from riskstream.messaging.cluster import connected
from riskstream.messaging.connection import KafkaRefused, begin, new_admin
from riskstream.messaging.consumer_client import new_client
from riskstream.messaging.producer import DisposableProducer, KafkaRecord
from riskstream.messaging.timing import ConsumerTiming, RelayTiming
from riskstream.runtime.kafka_address import KafkaAddress, TlsFiles
from secured_kafka.cluster import ADA, Cluster

WAYS: dict[str, Callable[[Cluster], KafkaAddress]] = {
    "SCRAM-SHA-512 by TLS": lambda cluster: cluster.by_password(ADA),
    "SCRAM-SHA-256 by TLS": lambda cluster: cluster.by_password(ADA, "SCRAM-SHA-256"),
    "PLAIN by TLS": lambda cluster: cluster.by_password(ADA, "PLAIN"),
    "SCRAM-SHA-512 in the clear": lambda cluster: cluster.by_password(ADA, listener="SASL_PLAINTEXT"),
    "a certificate": lambda cluster: cluster.by_certificate(ADA),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
async def test_topics_are_made_and_records_written_and_read(
    cluster: Cluster, way: Callable[[Cluster], KafkaAddress], request: pytest.FixtureRequest
) -> None:
    address, text = way(cluster), request.node.name.encode()
    await _make_topic(address)
    producer = DisposableProducer(address, "test", RelayTiming())
    await producer.send([KafkaRecord(ADA, b"k", text, [])])
    await producer.close()
    reader = new_client(address, "ada.reads", ConsumerTiming(), client_id="test", group_instance_id=None)
    reader.subscribe([ADA])
    await begin(reader)
    try:
        heard = await reader.getone()
        while heard.value != text:
            heard = await reader.getone()
        await reader.commit()
    finally:
        await reader.stop()
    async with connected(address) as told:
        assert (await told.topics([ADA]))[ADA].partitions == 1
        assert await told.committed("ada.reads")


async def _make_topic(address: KafkaAddress) -> None:
    admin = new_admin(address)
    await begin(admin)
    await admin.create_topics([NewTopic(ADA, 1, 1)])  # there already after the first
    await admin.close()


def _with_password(cluster: Cluster, word: str, mechanism: str) -> KafkaAddress:
    return replace(cluster.by_password(ADA), password=SecretStr(word), sasl_mechanism=mechanism)


def _believing_a_stranger(cluster: Cluster) -> KafkaAddress:
    stranger = Authority(Path(tempfile.mkdtemp(dir=cluster.folder)), "stranger")
    return replace(cluster.by_password(ADA), tls=TlsFiles(stranger.file))


def _at_another_name(cluster: Cluster) -> KafkaAddress:
    address = cluster.by_password(ADA)
    return replace(address, servers=address.servers.replace("127.0.0.1", "localhost"))


REFUSED: dict[str, tuple[Callable[[Cluster], KafkaAddress], str]] = {
    "a wrong password": (lambda cluster: _with_password(cluster, "wr0ng", "SCRAM-SHA-512"), "invalid credentials"),
    "a wrong password by PLAIN": (lambda cluster: _with_password(cluster, "wr0ng", "PLAIN"), "Invalid username"),
    "an authority that is another": (_believing_a_stranger, "CERTIFICATE_VERIFY_FAILED"),
    "an authority of nobody's": (lambda cluster: replace(cluster.by_password(ADA), tls=TlsFiles()), "CERTIFICATE"),
    "a name that the certificate has not": (_at_another_name, "Hostname mismatch"),
    "a listener without users": (
        lambda cluster: replace(cluster.by_password(ADA, listener="SASL_PLAINTEXT"), servers=cluster.server.address),
        "IllegalSaslState",
    ),
}


@pytest.mark.parametrize(("way", "reason"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_refusal_has_its_reason_and_no_password_and_is_told_once(
    cluster: Cluster, way: Callable[[Cluster], KafkaAddress], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    producer = DisposableProducer(way(cluster), "test", RelayTiming())
    with capture_logs() as said:
        for _ in range(2):
            with pytest.raises(KafkaRefused, match=reason) as refused:
                await producer.start()
            assert "wr0ng" not in repr(refused.value)
        right = DisposableProducer(cluster.by_password(ADA), "test", RelayTiming())
        await right.start()
        await right.close()
    events = [entry["event"] for entry in said]
    assert events == ["kafka_refused", "kafka_lets_in_again"]
    assert "docs/runbooks/kafka-security.md" in said[0]["mend"]
    assert "wr0ng" not in str(said) + "".join(capsys.readouterr())


async def test_what_is_no_refusal_is_none(cluster: Cluster) -> None:
    refused = DisposableProducer(_with_password(cluster, "wr0ng", "PLAIN"), "test", RelayTiming())
    with pytest.raises(KafkaRefused):
        await refused.start()
    nowhere = replace(cluster.by_password(ADA), servers="127.0.0.1:1")
    with pytest.raises(KafkaConnectionError, match=r"Unable to bootstrap.*127\.0\.0\.1.*Connect call failed") as away:
        await DisposableProducer(nowhere, "test", RelayTiming()).start()
    assert not isinstance(away.value, KafkaRefused)


CLOSED: dict[str, Callable[[Cluster], KafkaAddress]] = {
    "unencrypted at an encrypted port": lambda cluster: KafkaAddress(cluster.server.address_of("SASL_SSL")),
    "encrypted at an unencrypted port": lambda cluster: replace(
        cluster.by_password(ADA), servers=cluster.server.address
    ),
    "nobody's name where one is asked for": lambda cluster: KafkaAddress(cluster.server.address_of("SASL_PLAINTEXT")),
    "no certificate where one is asked for": lambda cluster: replace(
        cluster.by_certificate(ADA), tls=TlsFiles(cluster.ca)
    ),
}


@pytest.mark.parametrize("way", CLOSED.values(), ids=CLOSED.keys())
async def test_a_broker_that_hangs_up_is_said_to_have_done_so(
    cluster: Cluster, way: Callable[[Cluster], KafkaAddress]
) -> None:
    """It tells no reason: this may be an outage too."""
    with pytest.raises(
        KafkaConnectionError, match=r"Unable to bootstrap.*(closed|Connection(Reset|Aborted)Error)"
    ) as away:
        await DisposableProducer(way(cluster), "test", RelayTiming()).start()
    assert not isinstance(away.value, KafkaRefused)


async def test_a_renewed_certificate_is_read_with_the_next_connection(cluster: Cluster, tmp_path: Path) -> None:
    renewed = tmp_path / "ca.crt"
    renewed.write_bytes(Authority(tmp_path / "stranger", "stranger").file.read_bytes())
    producer = DisposableProducer(replace(cluster.by_password(ADA), tls=TlsFiles(renewed)), "test", RelayTiming())
    with pytest.raises(KafkaRefused):
        await producer.start()
    renewed.write_bytes(cluster.ca.read_bytes())
    await producer.start()
    await producer.close()
