"""The command for dead letters: what died and why, one of them whole, and saying them again.

`python -m riskstream.messaging.dead_letter_command list|show|replay --kafka 127.0.0.1:9092`
"""

import argparse
import asyncio
import json
import os
import sys
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC
from typing import Any
from uuid import UUID

import orjson
from aiokafka.errors import KafkaError
from sqlalchemy.exc import DBAPIError

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

KAFKA_VARIABLE = "RISKSTREAM_KAFKA"
POSTGRES_VARIABLE = "RISKSTREAM_POSTGRES_DSN"


def main(arguments: Sequence[str] | None = None, catalogue: Catalogue = CATALOGUE) -> int:
    """The command. 0: done; 1: a server is away, a letter was not found or holds no event, and nothing was replayed."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if not options.kafka:
        parser.error(f"no Kafka named: give --kafka host:port or set {KAFKA_VARIABLE}")
    try:
        found = asyncio.run(read_letters(options.kafka))
    except (KafkaError, OSError) as error:
        sys.stderr.write(f"Kafka at {options.kafka} cannot be read ({error}); is the address right, and does it run?\n")
        return 1
    for place in found.strangers:
        sys.stderr.write(f"{place} is no dead letter: it was written past the outbox\n")
    match options.command:
        case "list":
            return _list(_matching(found, options), as_json=options.json)
        case "show":
            return _show(found, options.id, catalogue, as_json=options.json)
        case _:
            return _replay(parser, found, options, catalogue)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="riskstream-dead-letters", description="Records that could not be handled.")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--kafka", default=os.environ.get(KAFKA_VARIABLE), help=f"host:port, or {KAFKA_VARIABLE}")
    shared.add_argument("--json", action="store_true", help="one JSON object a line")
    which = argparse.ArgumentParser(add_help=False)
    which.add_argument("--topic", help="only letters of records of this topic")
    which.add_argument("--group", help="only letters of this consumer group")
    which.add_argument("--error", help="only letters of this class of error, as `list` shows it")
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)
    commands.add_parser("list", parents=[shared, which], help="count them by topic, group and reason")
    show = commands.add_parser("show", parents=[shared], help="one letter, whole")
    show.add_argument("id", type=UUID, help="the letter's id, as `list` shows it")
    again = commands.add_parser("replay", parents=[shared, which], help="say the events again, under new ids")
    again.add_argument("ids", nargs="*", type=UUID, metavar="ID", help="letters' ids")
    again.add_argument("--all", action="store_true", help="every letter that the filters leave")
    again.add_argument("--schema", required=True, help="whose outbox: symbols, portfolios or valuations")
    again.add_argument("--postgres", default=os.environ.get(POSTGRES_VARIABLE), help=f"DSN, or {POSTGRES_VARIABLE}")
    return parser


def _matching(found: Letters, options: argparse.Namespace) -> list[StoredLetter]:
    return [
        stored
        for stored in found.letters
        if options.topic in {None, stored.letter.from_topic}
        and options.group in {None, stored.letter.group}
        and options.error in {None, stored.letter.error}
    ]


def _list(letters: Sequence[StoredLetter], *, as_json: bool) -> int:
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
        _write(summary, as_json, _summary_lines(summary))
    if not letters and not as_json:
        sys.stdout.write("no dead letters\n")
    return 0


def _summary_lines(summary: dict[str, Any]) -> list[str]:
    detail = summary["detail"].partition("\n")[0][:200]
    return [
        f"{summary['topic']}  {summary['group']}  {summary['count']} × {summary['error']}: {detail}",
        f"    {summary['first']} to {summary['last']}, raised at {summary['stack_hash']}",
        *(f"    {letter_id}" for letter_id in summary["ids"]),
    ]


def _show(found: Letters, letter_id: UUID, catalogue: Catalogue, *, as_json: bool) -> int:
    stored = next((stored for stored in found.letters if stored.id == letter_id), None)
    if stored is None:
        sys.stderr.write(f"no dead letter has the id {letter_id}; `list` shows those there are\n")
        return 1
    shown = {
        "id": str(stored.id),
        "place": f"{stored.topic}/{stored.partition}/{stored.offset}",
        "written": _instant(stored),
        "event_id": str(stored.envelope.causation_id),
        "correlation_id": stored.envelope.correlation_id,
        "stack_hash": stored.stack_hash,
        **stored.letter.body(),
        "replayable": _why_not(stored, catalogue) or "yes",
    }
    _write(shown, as_json, [f"{name:<15} {_text(value)}" for name, value in shown.items()])
    return 0


def _replay(parser: argparse.ArgumentParser, found: Letters, options: argparse.Namespace, catalogue: Catalogue) -> int:
    if bool(options.ids) == options.all:
        parser.error("say which: ids, or --all with or without filters")
    if not options.postgres:
        parser.error(f"no database named: give --postgres or set {POSTGRES_VARIABLE}")
    letters = [stored for stored in _matching(found, options) if options.all or stored.id in options.ids]
    refusals = [
        *(f"{missing} is no dead letter here" for missing in set(options.ids) - {stored.id for stored in letters}),
        *(f"{stored.id} cannot be said again: {why}" for stored in letters if (why := _why_not(stored, catalogue))),
    ]
    if refusals:
        sys.stderr.writelines(f"{refusal}\n" for refusal in sorted(refusals))
        sys.stderr.write("nothing was replayed\n")
        return 1
    try:
        said = asyncio.run(_say_again(options.postgres, options.schema, letters, catalogue))
    except (DBAPIError, OSError) as error:
        sys.stderr.write(f"nothing was replayed: the outbox of {options.schema!r} cannot be written: {error}\n")
        return 1
    for letter_id, event_id in said.items():
        line = {"letter": str(letter_id), "event_id": str(event_id)}
        _write(line, options.json, [f"{letter_id} is said again as {event_id}"])
    if not said and not options.json:
        sys.stdout.write("no dead letters\n")
    return 0


async def _say_again(dsn: str, schema: str, letters: Sequence[StoredLetter], catalogue: Catalogue) -> dict[UUID, UUID]:
    engine = create_engine(dsn, application="riskstream-dead-letters", pool_size=1)
    try:
        return await replay(engine, schema, letters, clock=clock_from_environment(), catalogue=catalogue)
    finally:
        await engine.dispose()


def _why_not(stored: StoredLetter, catalogue: Catalogue) -> str | None:
    try:
        event_of(stored, catalogue)
    except NotReplayableError as error:
        return str(error)
    return None


def _instant(stored: StoredLetter) -> str:
    return stored.envelope.time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _write(content: dict[str, Any], as_json: bool, lines: Sequence[str]) -> None:
    if as_json:
        sys.stdout.write(orjson.dumps(content).decode() + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
