"""Whether events are said, heard and understood: outboxes, groups' lag, dead letters."""

from collections.abc import AsyncIterator

from sqlalchemy import MetaData, func, select

from riskstream.doctor.finding import Finding, Verdict
from riskstream.doctor.visit import NotChecked, Visit
from riskstream.messaging.dead_letters import DEAD_LETTER_SUFFIX
from riskstream.messaging.tables import messaging_tables

OUTBOX_WARNING_SECONDS = 30.0
OUTBOX_FAILED_SECONDS = 300.0
LAG_WARNING = 1_000
"""Records of one group: more than a night's worth of most topics waits."""


async def look_at_dead_letters(visit: Visit) -> AsyncIterator[Finding]:
    """How many records each group could not handle and nobody has replayed or let expire.

    Of the declared groups, as a cluster may be others' too; of all that there are where nothing says what is declared.
    """
    cluster = await visit.cluster()
    known = await cluster.topic_names()
    if visit.settings.topics_file is not None:
        known &= {topic.name for topic in visit.topics().every_topic()}
    names = [name for name in sorted(known) if name.endswith(DEAD_LETTER_SUFFIX)]
    bounds = await cluster.bounds(names)
    dead = {name: found.records for name, found in sorted(bounds.items()) if found.records}
    for name, count in dead.items():
        topic = name.removesuffix(DEAD_LETTER_SUFFIX)
        yield Finding(topic, "warning", f"{count} dead letters", "riskstream dead-letters list")
    if not dead:
        yield Finding("all groups", "ok", f"none in {len(names)} topics")


async def look_at_lag(visit: Visit) -> AsyncIterator[Finding]:
    """How many records each declared group has not handled yet."""
    cluster = await visit.cluster()
    topics = visit.topics().topics
    bounds = await cluster.bounds(topic.name for topic in topics if topic.groups)
    for topic in topics:
        for group in topic.groups:
            if topic.name not in bounds:
                yield Finding(group, "not checked", f"there is no topic {topic.name}")
                continue
            positions = await cluster.committed(group)
            lag = sum(
                max(end - max(positions.get((topic.name, partition), 0), bounds[topic.name].begin[partition]), 0)
                for partition, end in bounds[topic.name].end.items()
            )
            verdict: Verdict = "warning" if lag > LAG_WARNING else "ok"
            mend = "see whether its service runs; a halted partition is in /health/ready and the log"
            yield Finding(group, verdict, f"{lag} records behind", mend if verdict != "ok" else None)


async def look_at_outboxes(visit: Visit) -> AsyncIterator[Finding]:
    """How much each schema has to say that Kafka has not got, since when, and in how many lanes."""
    for service in visit.services:
        if service.schema is None:
            continue
        outbox, lanes, _ = messaging_tables(MetaData(), service.schema)
        waiting = select(
            func.count(),
            func.count(outbox.c.lane.distinct()),
            func.coalesce(func.extract("epoch", func.clock_timestamp() - func.min(outbox.c.created_at)), 0.0),
        ).select_from(outbox)
        try:
            async with visit.acting_as(service.role) as connection:
                rows, used, oldest = (await connection.execute(waiting)).one()
                there = (await connection.execute(select(func.count()).select_from(lanes))).scalar_one()
        except NotChecked as reason:
            yield Finding(service.schema, "not checked", str(reason))
            continue
        yield _outbox(service.schema, rows, used, there, float(oldest))


def _outbox(schema: str, rows: int, used: int, lanes: int, oldest: float) -> Finding:
    if not rows:
        return Finding(schema, "ok", f"empty, {lanes} lanes")
    found = f"{rows} rows in {used} of {lanes} lanes, the oldest {oldest:.0f} s old"
    if oldest <= OUTBOX_WARNING_SECONDS:
        return Finding(schema, "ok", found)
    verdict: Verdict = "failed" if oldest > OUTBOX_FAILED_SECONDS else "warning"
    return Finding(
        schema, verdict, found, "see that its service runs and reaches Kafka; its log says lane_not_published"
    )
