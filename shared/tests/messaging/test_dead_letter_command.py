"""Dead letters from the operator's chair: list, show, replay."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from riskstream.command_line.main import run
from riskstream.events.envelope import Envelope
from riskstream.messaging.dead_letter_command import dead_letters
from riskstream.messaging.dead_letters import dead_letter_topic
from riskstream.runtime.clock import Clock

UNLIKELY = str(UUID(int=7))
STRANGER = "is no dead letter: it was written past the outbox"


class Desk:
    """The command on one ledger's Kafka and database, seeing that ledger's letters alone."""

    def __init__(self, ledger: Any, capsys: pytest.CaptureFixture[str]) -> None:
        self._ledger = ledger
        self._capsys = capsys
        self.dsn = ledger.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)

    async def run(self, command: str, *words: str, json: bool = True) -> tuple[int, list[Any], str]:
        """Exit code, the lines or objects of its output, and what it said to stderr except of other tests' topics."""
        arguments = [command, "--kafka", self._ledger.bootstrap]
        if command != "show":
            arguments += ["--topic", self._ledger.topic]
        if command == "replay":
            arguments += ["--schema", self._ledger.schema, "--postgres", self.dsn]
        if json:
            arguments.append("--json")
        arguments += words
        groups = {"dead-letters": lambda: dead_letters(self._ledger.catalogue)}
        code = await asyncio.to_thread(run, ["dead-letters", *arguments], groups)
        out, errors = self._capsys.readouterr()
        ours = [line for line in errors.splitlines(keepends=True) if self._ledger.topic in line or STRANGER not in line]
        return code, [orjson.loads(line) if json else line for line in out.splitlines()], "".join(ours)

    async def ids(self, error: str) -> list[str]:
        _, reasons, _ = await self.run("list", "--error", error)
        return [letter_id for reason in reasons for letter_id in reason["ids"]]


@pytest.fixture
def desk(ledger: Any, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(ledger, capsys)


def record_of(ledger: Any, deposit: Any, **attributes: str) -> tuple[Any, ...]:
    envelope = Envelope(
        id=uuid4(),
        source="/services/bank",
        type=deposit.type,
        time=Clock().now(),
        subject=deposit.key,
        event=deposit,
        correlation_id="the root of it",
    )
    headers = [(name, value.encode()) for name, value in (envelope.headers() | attributes).items()]
    return deposit.key.encode(), orjson.dumps(deposit.body()), headers, 0


@pytest.fixture
async def with_letters(ledger: Any, running: Any, eventually: Any, produce: Any, read_topic: Any) -> Any:
    """A ledger after two refused deposits, one record that is no event, and a good one."""
    refused = [record_of(ledger, ledger.deposit(account="a", n=n, amount=-1)) for n in (1, 2)]
    good = record_of(ledger, ledger.deposit(account="a", n=0))
    await produce(ledger.topic, [*refused, (b"a", b"hello", [], 0), good])
    async with running(ledger.relay()), running(ledger.consumer()):

        async def three_dead() -> bool:
            return len(await read_topic(dead_letter_topic(ledger.topic, ledger.group))) == 3

        await eventually(three_dead)
    return ledger


async def test_list_counts_them_by_topic_group_and_reason(with_letters: Any, desk: Desk) -> None:
    code, reasons, errors = await desk.run("list")
    assert (code, errors) == (0, "")
    assert [(reason["error"], reason["count"]) for reason in reasons] == [("DomainError", 2), ("UndecodableError", 1)]
    assert all(reason["topic"] == with_letters.topic for reason in reasons)
    assert all(reason["group"] == with_letters.group for reason in reasons)
    assert reasons[0]["detail"] == "account a cannot be charged -1"
    assert (await desk.run("list", "--error", "DomainError"))[1] == reasons[:1]
    assert (await desk.run("list", "--group", "nobody's"))[1] == []
    _, lines, _ = await desk.run("list", json=False)
    assert f"{with_letters.topic}  {with_letters.group}  2 × DomainError: account a cannot be charged -1" in lines
    assert (await desk.run("list", "--group", "nobody's", json=False))[1] == ["no dead letters"]


async def test_show_gives_one_whole(with_letters: Any, desk: Desk) -> None:
    letter_id = (await desk.ids("DomainError"))[0]
    code, (shown,), _ = await desk.run("show", letter_id)
    assert code == 0
    assert shown["from_topic"] == with_letters.topic
    assert (shown["partition"], shown["offset"], shown["record_key"]) == (0, 0, "a")
    assert shown["headers"]["ce_source"] == "/services/bank"
    assert shown["event_id"] == shown["headers"]["ce_id"]
    assert orjson.loads(shown["value"]) == {"account": "a", "n": 1, "amount": -1}
    assert shown["place"] == f"{dead_letter_topic(with_letters.topic, with_letters.group)}/0/{shown['place'][-1]}"
    assert shown["replayable"] == "yes"
    _, lines, _ = await desk.run("show", letter_id, json=False)
    assert any(line.split() == ["error", "DomainError"] for line in lines)


async def test_what_is_not_there_is_said_to_be_so(with_letters: Any, desk: Desk) -> None:
    code, shown, errors = await desk.run("show", UNLIKELY)
    assert (code, shown) == (1, [])
    assert UNLIKELY in errors
    code, said, errors = await desk.run("replay", UNLIKELY, *await desk.ids("DomainError"))
    assert (code, said) == (1, [])
    assert UNLIKELY in errors
    assert "nothing was replayed" in errors
    assert await with_letters.count("outbox") == 0


async def test_a_replay_has_a_new_id_the_old_one_as_cause_and_its_effect_once(
    with_letters: Any, desk: Desk, running: Any, eventually: Any, read_topic: Any
) -> None:
    """The handler is mended, as after a deploy: it takes negative amounts."""
    ledger = with_letters
    heard: list[Envelope[Any]] = []

    async def mended(connection: Any, envelope: Envelope[Any]) -> None:
        heard.append(envelope)
        await ledger.enter(connection, Envelope.read(*_charged_one(envelope), ledger.catalogue))

    letters = await desk.ids("DomainError")
    for _ in range(2):  # the second time is a slip of the operator's
        code, said, _ = await desk.run("replay", "--all", "--error", "DomainError")
        assert code == 0
        assert [line["letter"] for line in said] == letters
    async with running(ledger.relay()), running(ledger.consumer(mended)):

        async def both_there() -> bool:
            return len(await ledger.entries()) == 3 and await ledger.count("outbox") == 0

        await eventually(both_there)

        async def all_published() -> bool:
            return len(await read_topic(ledger.topic)) == 4 + 4

        await eventually(all_published)
        await asyncio.sleep(0.5)
    assert sorted(entry.n for entry in await ledger.entries()) == [0, 1, 2]
    assert [str(envelope.id) for envelope in heard] == [line["event_id"] for line in said]
    for envelope, letter_id in zip(heard, letters, strict=True):
        _, (shown,), _ = await desk.run("show", letter_id)
        assert str(envelope.causation_id) == shown["event_id"] != str(envelope.id)
        assert (envelope.source, envelope.correlation_id) == ("/services/bank", "the root of it")
    replayed = dict((await read_topic(ledger.topic))[-1].headers)
    assert replayed["x-dlq-replay-of"].decode() == letters[1]


def _charged_one(envelope: Envelope[Any]) -> tuple[list[tuple[str, bytes]], bytes]:
    headers = [(name, value.encode()) for name, value in envelope.headers().items()]
    return headers, orjson.dumps(envelope.event.body() | {"amount": 1})


async def test_what_is_no_event_is_refused_with_its_reason_and_nothing_else_goes_out(
    with_letters: Any, desk: Desk
) -> None:
    code, said, errors = await desk.run("replay", "--all")
    assert (code, said) == (1, [])
    assert "no ce_type header" in errors
    assert await with_letters.count("outbox") == 0
    (unreadable,) = await desk.ids("UndecodableError")
    _, (shown,), _ = await desk.run("show", unreadable)
    assert "no ce_type header" in shown["replayable"]


async def test_a_stranger_in_a_dead_letter_topic_is_named_and_passed_over(
    with_letters: Any, desk: Desk, produce: Any
) -> None:
    topic = dead_letter_topic(with_letters.topic, with_letters.group)
    await produce(topic, [(None, b"I do not belong here", [], 0)])
    code, reasons, errors = await desk.run("list")
    assert (code, len(reasons)) == (0, 2)
    assert f"{topic}/0/3 {STRANGER}" in errors


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["list"], "--kafka"),
        (["replay", "--kafka", "x", "--postgres", "y", "--all"], "--schema"),
        (["replay", "--kafka", "x", "--postgres", "y", "--schema", "z"], "say which"),
        (["replay", "--kafka", "x", "--schema", "z", "--all"], "--postgres"),
        (["show", "--kafka", "x", "seven"], "UUID"),
    ],
)
def test_a_command_that_lacks_something_says_what(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RISKSTREAM_KAFKA", raising=False)
    monkeypatch.delenv("RISKSTREAM_POSTGRES_DSN", raising=False)
    assert run(["dead-letters", *words]) == 2
    assert complaint in capsys.readouterr().err


def test_servers_that_are_away_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["dead-letters", "list", "--kafka", "127.0.0.1:1"]) == 1
    assert "127.0.0.1:1" in capsys.readouterr().err


async def test_a_schema_that_is_not_there_is_named(with_letters: Any, desk: Desk) -> None:
    letter = (await desk.ids("DomainError"))[0]
    code, _, errors = await desk.run("replay", letter, "--schema", "nowhere")
    assert code == 1, "the last word about the schema counts"
    assert "nothing was replayed" in errors
