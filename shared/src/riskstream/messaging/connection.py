"""Every client of Kafka is made and started here, so that all of them are let in by the same settings."""

from typing import Any, TypeAlias

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError

from riskstream.messaging.outages import OUTAGE
from riskstream.runtime.kafka_address import ENCRYPTED, WITH_PASSWORD, KafkaAddress
from riskstream.runtime.probe import NotLetIn

Brokers: TypeAlias = KafkaAddress | str
"""`host:port[,host:port]` alone is a cluster that asks nobody who they are."""


class KafkaRefused(KafkaConnectionError, NotLetIn):  # type: ignore[misc]  # aiokafka has no types
    """Brokers answer and do not let us in, or are not believed to be brokers: waiting alone mends nothing."""


def new_consumer(brokers: Brokers, *topics: str, **options: Any) -> AIOKafkaConsumer:
    """A consumer that has not started."""
    return AIOKafkaConsumer(*topics, **_access(brokers), **options)


def new_producer(brokers: Brokers, **options: Any) -> AIOKafkaProducer:
    """A producer that has not started."""
    return AIOKafkaProducer(**_access(brokers), **options)


def new_admin(brokers: Brokers, **options: Any) -> AIOKafkaAdminClient:
    """An admin client that has not started."""
    return AIOKafkaAdminClient(**_access(brokers), **options)


async def begin(client: Any) -> None:
    """Start a client. Raises KafkaRefused, with the reason, where it is not let in, and KafkaError where it gets no
    answer.
    """
    OUTAGE.watch()
    OUTAGE.refusal = OUTAGE.failure = None
    try:
        await client.start()
    except KafkaConnectionError as error:
        if OUTAGE.refusal is not None:
            raise KafkaRefused(OUTAGE.refusal) from error
        if OUTAGE.failure is None:
            raise
        raise KafkaConnectionError(f"{error.args[0]}: {OUTAGE.failure}") from error
    OUTAGE.let_in()


def _access(brokers: Brokers) -> dict[str, Any]:
    """What the client library calls it. Raises OSError where a certificate can no longer be read."""
    address = KafkaAddress(brokers) if isinstance(brokers, str) else brokers
    access: dict[str, Any] = {
        "bootstrap_servers": address.servers,
        "security_protocol": address.security_protocol,
    }
    if address.security_protocol in ENCRYPTED:
        access["ssl_context"] = address.tls.context()
    if address.security_protocol in WITH_PASSWORD and address.password is not None:
        access["sasl_mechanism"] = address.sasl_mechanism
        access["sasl_plain_username"] = address.user
        access["sasl_plain_password"] = address.password.get_secret_value()
    return access
