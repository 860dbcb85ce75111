"""The derived rules are enough for what each service does, and for nothing else."""

import pytest
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError

from local_stack.system import TOPICS_FILE
from riskstream.events.catalogue import CATALOGUE
from riskstream.messaging.access_rules import OPERATOR, access_rules, main
from riskstream.messaging.cluster import connected
from riskstream.messaging.connection import begin
from riskstream.messaging.consumer_client import new_client
from riskstream.messaging.dead_letter_replay import read_letters
from riskstream.messaging.producer import DisposableProducer, KafkaRecord
from riskstream.messaging.timing import ConsumerTiming, RelayTiming
from riskstream.messaging.topic_settings import TopicSettings
from riskstream.messaging.topic_watch import TopicWatch
from riskstream.runtime.settings import ServiceSettings
from secured_kafka.cluster import DECLARED, PASSWORDS, RULES, SERVICES, Cluster

GROUPS = [(group, topic.name) for topic in DECLARED.topics for group in topic.groups]
LISTENERS = [(listener, topic.name) for topic in DECLARED.topics for listener in topic.listeners]
WRITTEN = [(producer, topic.name) for topic in DECLARED.every_topic() for producer in topic.producers]
EVERY_TOPIC = [topic.name for topic in DECLARED.every_topic()]


def settings(cluster: Cluster, service: str) -> ServiceSettings:
    given = {name.removeprefix("RISKSTREAM_").lower(): value for name, value in cluster.environment(service).items()}
    return ServiceSettings(
        postgres_dsn="postgresql://a:b@127.0.0.1:1/c",
        topics_file=TOPICS_FILE,
        kafka_password=PASSWORDS[service],
        **given,
    )


def test_the_declaration_names_the_services_and_every_event_has_a_writer() -> None:
    assert {rule.who for rule in RULES} == {*SERVICES, OPERATOR}
    assert {topic for _, topic in WRITTEN} >= set(CATALOGUE.topics())


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_sees_every_topic_with_its_settings(cluster: Cluster, service: str) -> None:
    looked = TopicSettings(settings(cluster, service))
    await looked.look()
    assert looked.state().detail == {"checked": True}


async def _write(cluster: Cluster, service: str, topics: list[str]) -> None:
    producer = DisposableProducer(cluster.by_password(service), service, RelayTiming())
    try:
        await producer.send([KafkaRecord(topic, b"k", b"no event", []) for topic in topics])
    finally:
        await producer.close()


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_writes_its_topics_and_their_dead_letters_and_no_other(cluster: Cluster, service: str) -> None:
    own = [topic for producer, topic in WRITTEN if producer == service]
    if own:
        await _write(cluster, service, own)
    foreign = next(topic for topic in EVERY_TOPIC if topic not in own)
    with pytest.raises(KafkaError, match="Authorization"):
        await _write(cluster, service, [foreign])


async def _read(cluster: Cluster, service: str, topic: str, group: str) -> None:
    """As a member of the group does: join, know the topics, read the position, commit it."""
    timing = ConsumerTiming()
    reader = new_client(cluster.by_password(service), group, timing, client_id=service, group_instance_id=None)
    reader.subscribe([topic])
    await begin(reader)
    try:
        assert await TopicWatch(reader, EVERY_TOPIC).look() == []
        await reader.getmany(timeout_ms=200)
        places = reader.assignment()
        assert places
        await reader.beginning_offsets(places)
        await reader.commit(dict.fromkeys(places, 0))
        assert await reader.committed(next(iter(places))) == 0
    finally:
        await reader.stop()


@pytest.mark.parametrize(("group", "topic"), GROUPS, ids=[group for group, _ in GROUPS])
async def test_a_group_joins_reads_and_commits(cluster: Cluster, group: str, topic: str) -> None:
    await _read(cluster, group.partition(".")[0], topic, group)


async def test_a_service_joins_no_group_of_another_and_reads_no_topic_that_it_does_not_handle(cluster: Cluster) -> None:
    with pytest.raises(GroupAuthorizationFailedError):
        await _read(cluster, "symbol-batch", "symbol.requested", "portfolio-refresh.chunks")
    with pytest.raises(TopicAuthorizationFailedError):
        await _listen(cluster, "onboarding", "portfolio.refreshed")


async def _listen(cluster: Cluster, service: str, topic: str) -> None:
    reader = new_client(cluster.by_password(service), None, ConsumerTiming(), client_id=service, group_instance_id=None)
    reader.subscribe([topic])
    await begin(reader)
    try:
        await reader.seek_to_beginning()
        await reader.getmany(timeout_ms=1_000)
    finally:
        await reader.stop()


@pytest.mark.parametrize(("service", "topic"), LISTENERS)
async def test_a_listener_hears_without_a_group(cluster: Cluster, service: str, topic: str) -> None:
    await _listen(cluster, service, topic)


async def test_the_operator_reads_positions_and_dead_letters_and_no_events(cluster: Cluster) -> None:
    address = cluster.by_password(OPERATOR)
    async with connected(address) as told:
        for group, _ in GROUPS:
            await told.committed(group)
        assert (await told.bounds(EVERY_TOPIC)).keys() == set(EVERY_TOPIC)
    await _write(cluster, "symbol-batch", ["symbol.requested.symbol-batch.requests.dlq"])
    letters = await read_letters(address)
    assert letters.strangers
    with pytest.raises(TopicAuthorizationFailedError):
        await _listen(cluster, OPERATOR, "portfolio.changed")


def test_the_command_prints_a_line_for_each_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--file", str(TOPICS_FILE), "--principal", "User:risk-{who}"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(RULES)
    assert "--allow-principal User:risk-symbol-batch --operation Read --group symbol-batch.requests" in lines
    with pytest.raises(SystemExit):
        main(["--file", "/nowhere"])
    assert "deploy/topics.yaml" in capsys.readouterr().err


def test_a_declared_group_more_brings_its_rules() -> None:
    first = DECLARED.topics[0]
    more = first.model_copy(update={"groups": (*first.groups, "analytics.more")})
    rules = access_rules(DECLARED.model_copy(update={"topics": (more, *DECLARED.topics[1:])}))
    added = {(rule.who, rule.resource, rule.name) for rule in rules} - {(r.who, r.resource, r.name) for r in RULES}
    assert ("analytics", "group", "analytics.more") in added
    assert ("analytics", "topic", f"{more.name}.analytics.more.dlq") in added
