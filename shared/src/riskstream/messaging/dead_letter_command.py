"""`riskstream dead-letters`: what died and why, one of them whole, and saying them again."""

import asyncio
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import typer
from aiokafka.errors import KafkaError
from sqlalchemy.exc import DBAPIError

from riskstream.command_line import AsJson, CommandFailed, UsedWrongly, say, settings_from_environment, show
from riskstream.database.engine import create_engine
from riskstream.events.catalogue import CATALOGUE, Catalogue
from riskstream.messaging.dead_letter_replay import (
    Letters,
    NotReplayableError,
    StoredLetter,
    event_of,
    read_letters,
    replay,
)
from riskstream.runtime.clock import clock_from_environment
from riskstream.runtime.settings import KafkaAccess

Kafka: TypeAlias = Annotated[str, typer.Option(envvar="RISKSTREAM_KAFKA", help="host:port")]
Postgres: TypeAlias = Annotated[
    str, typer.Option(envvar="RISKSTREAM_POSTGRES_DSN", show_envvar=True, help="DSN of the schema's own role")
]
Topic: TypeAlias = Annotated[str | None, typer.Option(help="Only letters of records of this topic.")]
Group: TypeAlias = Annotated[str | None, typer.Option(help="Only letters of this consumer group.")]
ErrorClass: TypeAlias = Annotated[str | None, typer.Option(help="Only this class of error, as `list` has it.")]


@dataclass(frozen=True)
class _Filter:
    topic: str | None
    group: str | None
    error: str | None

    def __call__(self, found: Letters) -> list[StoredLetter]:
        return [
            stored
            for stored in found.letters
            if self.topic in {None, stored.letter.from_topic}
            and self.group in {None, stored.letter.group}
            and self.error in {None, stored.letter.error}
        ]


def dead_letters(catalogue: Catalogue) -> typer.Typer:
    """The group of commands over the events of a catalogue."""
    group = typer.Typer(help="Records that could not be handled.")

    @group.command("list")
    def list_letters(
        kafka: Kafka, topic: Topic = None, group: Group = None, error: ErrorClass = None, as_json: AsJson = False
    ) -> None:
        """Count them by topic, group and reason."""
        _list(_Filter(topic, group, error)(_read(kafka)), as_json=as_json)

    @group.command("show")
    def show_letter(
        letter_id: Annotated[UUID, typer.Argument(metavar="ID")], kafka: Kafka, as_json: AsJson = False
    ) -> None:
        """One letter, whole."""
        show(_whole(_read(kafka), letter_id, catalogue), as_json=as_json)

    @group.command("replay")
    def replay_letters(
        *,
        kafka: Kafka,
        postgres: Postgres,
        schema: Annotated[str, typer.Option(help="Whose outbox: symbols, portfolios or valuations.")],
        ids: Annotated[list[UUID] | None, typer.Argument(metavar="[ID]...")] = None,
        every: Annotated[bool, typer.Option("--all", help="Every letter that the filters leave.")] = False,
        topic: Topic = None,
        group: Group = None,
        error: ErrorClass = None,
        as_json: AsJson = False,
    ) -> None:
        """Say the events again, under new ids."""
        if bool(ids) == every:
            raise UsedWrongly("say which: ids, or --all with or without filters")
        matching = _Filter(topic, group, error)(_read(kafka))
        letters = [stored for stored in matching if every or stored.id in (ids or ())]
        _refuse(letters, ids or (), catalogue)
        for letter_id, event_id in _say_again(postgres, schema, letters, catalogue).items():
            if as_json:
                show({"letter": str(letter_id), "event_id": str(event_id)}, as_json=True)
            else:
                say(f"{letter_id} is said again as {event_id}")
        if not letters and not as_json:
            say("no dead letters")

    return group


app = dead_letters(CATALOGUE)


def _read(kafka: str) -> Letters:
    access = settings_from_environment(KafkaAccess)
    try:
        found = asyncio.run(read_letters(access.address_of(kafka)))
    except (KafkaError, OSError) as error:
        raise CommandFailed(
            f"Kafka at {kafka} cannot be read ({error}); is the address right, and does it run?"
        ) from error
    for place in found.strangers:
        sys.stderr.write(f"{place} is no dead letter: it was written past the outbox\n")
    return found


def _list(letters: Sequence[StoredLetter], *, as_json: bool) -> None:
    reasons: dict[tuple[str, str, str, str], list[StoredLetter]] = defaultdict(list)
    for stored in letters:
        letter = stored.letter
        reasons[letter.from_topic, letter.group, letter.error, stored.stack_hash].append(stored)
    for (topic, group, error, stack_hash), some in sorted(reasons.items()):
        summary = {
            "topic": topic,
            "group": group,
            "error": error,
            "stack_hash": stack_hash,
            "count": len(some),
            "first": _instant(some[0]),
            "last": _instant(some[-1]),
            "detail": some[-1].letter.detail,
            "ids": [str(stored.id) for stored in some],
        }
        if as_json:
            show(summary, as_json=True)
        else:
            _say_summary(summary)
    if not letters and not as_json:
        say("no dead letters")


def _say_summary(summary: dict[str, Any]) -> None:
    detail = summary["detail"].partition("\n")[0][:200]
    say(f"{summary['topic']}  {summary['group']}  {summary['count']} × {summary['error']}: {detail}")
    say(f"    {summary['first']} to {summary['last']}, raised at {summary['stack_hash']}")
    for letter_id in summary["ids"]:
        say(f"    {letter_id}")


def _whole(found: Letters, letter_id: UUID, catalogue: Catalogue) -> dict[str, Any]:
    stored = next((stored for stored in found.letters if stored.id == letter_id), None)
    if stored is None:
        raise CommandFailed(f"no dead letter has the id {letter_id}; `list` shows those there are")
    return {
        "id": str(stored.id),
        "place": f"{stored.topic}/{stored.partition}/{stored.offset}",
        "written": _instant(stored),
        "event_id": str(stored.envelope.causation_id),
        "correlation_id": stored.envelope.correlation_id,
        "stack_hash": stored.stack_hash,
        **stored.letter.body(),
        "replayable": _why_not(stored, catalogue) or "yes",
    }


def _refuse(letters: Sequence[StoredLetter], ids: Sequence[UUID], catalogue: Catalogue) -> None:
    """CommandFailed, naming each, where one of them is not there or holds no event: then none is said again."""
    refusals = [
        *(f"{missing} is no dead letter here" for missing in set(ids) - {stored.id for stored in letters}),
        *(f"{stored.id} cannot be said again: {why}" for stored in letters if (why := _why_not(stored, catalogue))),
    ]
    if refusals:
        raise CommandFailed(f"{'; '.join(sorted(refusals))}; nothing was replayed")


def _say_again(dsn: str, schema: str, letters: Sequence[StoredLetter], catalogue: Catalogue) -> dict[UUID, UUID]:
    async def saying() -> dict[UUID, UUID]:
        engine = create_engine(dsn, application="riskstream", pool_size=1)
        try:
            return await replay(engine, schema, letters, clock=clock_from_environment(), catalogue=catalogue)
        finally:
            await engine.dispose()

    try:
        return asyncio.run(saying())
    except (DBAPIError, OSError) as error:
        raise CommandFailed(f"nothing was replayed: the outbox of {schema!r} cannot be written: {error}") from error


def _why_not(stored: StoredLetter, catalogue: Catalogue) -> str | None:
    try:
        event_of(stored, catalogue)
    except NotReplayableError as error:
        return str(error)
    return None


def _instant(stored: StoredLetter) -> str:
    return stored.envelope.time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
