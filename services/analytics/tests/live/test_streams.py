"""Whoever follows a portfolio is told each newer valuation once and in order, by every replica, Kafka or not."""

import asyncio
import random
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest

from analytics.heads import Heads
from local_stack.issuer import AUDIENCE, ISSUER
from riskstream.events.envelope import Envelope
from riskstream.events.portfolio import PortfolioRefreshed

FRIDAY, MONDAY = date(2024, 12, 13), date(2024, 12, 16)
NEVER = 1_000.0
"""Seconds between two polls where a test must not be helped by them."""


def refreshed(portfolio: UUID, valuation: int, owner: str = "ana") -> Envelope[PortfolioRefreshed]:
    event = PortfolioRefreshed(
        portfolio=portfolio,
        owner=owner,
        valuation=valuation,
        portfolio_version=1,
        edition=1,
        from_session=MONDAY,
        to_session=MONDAY,
        cause="change",
    )
    return Envelope(
        id=uuid4(),
        source="/tests",
        type=event.type,
        time=datetime(2024, 12, 17, tzinfo=UTC),
        subject=event.key,
        event=event,
        correlation_id="tests",
    )


async def test_the_present_state_is_told_at_once(served: Any, valued: UUID) -> None:
    async with served.follow(valued) as told:
        await told.comes("refreshed", "status")
        assert told.events[0]["id"] == "1"
        assert told.bodies("refreshed") == [
            {"portfolio": str(valued), "valuation": 1, "portfolio_version": 1, "edition": 1, "session": "2024-12-16"}
        ]
        age = {"sessions": 0, "level": "fine", "last_due_session": "2024-12-16"}
        assert told.bodies("status") == [{"portfolio": str(valued), "pending": False, "age": age}]
        assert told.headers["content-type"].startswith("text/event-stream")
        assert told.headers["cache-control"] == "no-store"
    await served.nobody()


async def test_two_replicas_tell_each_fold_in_order_and_never_an_older_one(
    serve: Any, world: Any, valued: UUID
) -> None:
    first, second = [await serve(poll_seconds=NEVER) for _ in range(2)]
    async with first.follow(valued) as one, second.follow(valued) as other:
        for told in (one, other):
            await told.comes("refreshed", "status")
        for valuation in range(2, 7):
            await world.fold(valued, 1, MONDAY, cash=float(valuation))
            for served in (first, second):
                await served.replica.hints.portfolio_refreshed(refreshed(valued, valuation))
            for told in (one, other):
                await told.comes("refreshed", "status", *["refreshed"] * (valuation - 1))
        assert one.valuations() == other.valuations() == [1, 2, 3, 4, 5, 6]
        assert [event.get("id") for event in one.events] == ["1", None, "2", "3", "4", "5", "6"]


async def test_events_that_come_again_or_out_of_order_or_for_others_tell_nothing(
    serve: Any, world: Any, valued: UUID
) -> None:
    served = await serve(poll_seconds=NEVER)
    for cash in range(3):
        await world.fold(valued, 1, MONDAY, cash=float(cash))
    async with served.follow(valued) as told:
        await told.comes("refreshed", "status")
        said = [refreshed(valued, number) for number in (4, 2, 3, 1, 99)] * 3
        said += [refreshed(valued, 5, "bob"), refreshed(uuid4(), 5)]
        random.Random(6).shuffle(said)
        for envelope in said:
            await served.replica.hints.portfolio_refreshed(envelope)
            await asyncio.sleep(0.005)
        await world.fold(valued, 1, MONDAY, cash=9.0)
        await served.replica.hints.portfolio_refreshed(refreshed(valued, 5))
        await told.comes("refreshed", "status", "refreshed")
        assert told.valuations() == [4, 5]


async def test_with_kafka_silent_the_poll_tells_folds_and_changes(served: Any, world: Any, valued: UUID) -> None:
    async with served.follow(valued) as told:
        await told.comes("refreshed", "status")
        await world.change(valued)
        await told.comes("refreshed", "status", "status")
        await world.fold(valued, 1, MONDAY, cash=6.0)
        await told.comes("refreshed", "status", "status", "refreshed", "status")
        assert told.valuations() == [1, 2]
        assert [body["pending"] for body in told.bodies("status")] == [False, True, False]


async def test_what_happened_between_the_first_look_and_the_first_poll_is_told(
    serve: Any, world: Any, valued: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = await serve(poll_seconds=NEVER)
    read = Heads.head

    async def then_folded(heads: Heads, owner: str, portfolio: UUID) -> Any:
        head = await read(heads, owner, portfolio)
        await world.fold(valued, 1, MONDAY, cash=6.0)
        return head

    monkeypatch.setattr(Heads, "head", then_folded)
    async with served.follow(valued) as told:
        await told.comes("refreshed", "status", "refreshed")
        assert told.valuations() == [1, 2]


async def test_a_portfolio_that_was_not_valued_yet_is_pending_until_it_is(served: Any, world: Any) -> None:
    await world.edition(1, MONDAY)
    portfolio = await world.portfolio()
    async with served.follow(portfolio) as told:
        await told.comes("status")
        assert told.bodies("status") == [{"portfolio": str(portfolio), "pending": True, "age": None}]
        await world.fold(portfolio, 1, MONDAY, cash=1.0)
        await told.comes("status", "refreshed", "status")


async def test_an_old_valuation_is_told_with_its_age(served: Any, world: Any) -> None:
    await world.edition(1, FRIDAY)
    portfolio = await world.portfolio()
    await world.fold(portfolio, 1, FRIDAY, cash=1.0)
    async with served.follow(portfolio) as told:
        await told.comes("refreshed", "status")
        await world.edition(2, MONDAY)
        await world.fold(portfolio, 2, MONDAY, cash=1.0)
        await told.comes("refreshed", "status", "refreshed", "status")
        assert [body["age"]["sessions"] for body in told.bodies("status")] == [1, 0]


@pytest.mark.parametrize(
    ("last", "valuations"), [("2", []), ("1", [2]), ("7", [2]), ("nonsense", [2]), ("", [2]), ("-1", [2])]
)
async def test_who_comes_back_is_told_one_newest_valuation_unless_it_was_told_already(
    served: Any, world: Any, valued: UUID, last: str, valuations: list[int]
) -> None:
    await world.fold(valued, 1, MONDAY, cash=6.0)
    async with served.follow(valued, last=last) as told:
        await told.comes(*["refreshed"] * len(valuations), "status")
        assert told.valuations() == valuations
        await world.fold(valued, 1, MONDAY, cash=7.0)
        await told.comes(*["refreshed"] * len(valuations), "status", "refreshed")
        assert told.valuations() == [*valuations, 3]


async def test_folds_while_a_client_was_away_are_caught_up_with_one_event_by_the_other_replica(
    serve: Any, world: Any, valued: UUID
) -> None:
    first, second = await serve(), await serve()
    async with first.follow(valued) as told:
        await told.comes("refreshed", "status")
    for cash in range(5):
        await world.fold(valued, 1, MONDAY, cash=float(cash))
    async with second.follow(valued, last=told.events[0]["id"]) as back:
        await back.comes("refreshed", "status")
        assert back.valuations() == [6]


async def test_another_owners_portfolio_is_not_found(served: Any, valued: UUID) -> None:
    for portfolio, owner in ((valued, "bob"), (uuid4(), "ana")):
        async with served.follow(portfolio, owner) as told:
            assert (told.status_code, told.refusal["code"]) == (404, "portfolio_not_found")
    await served.nobody()


async def test_a_deleted_portfolio_is_gone_and_its_stream_ends(served: Any, world: Any, valued: UUID) -> None:
    async with served.follow(valued) as told:
        await told.comes("refreshed", "status")
        await world.delete(valued)
        await told.comes("refreshed", "status", "gone")
        await told.ends()
    async with served.follow(valued) as told:
        assert told.status_code == 404
    await served.nobody()


async def test_a_stream_ends_when_its_token_expires(served: Any, valued: UUID) -> None:
    issuer = served.replica.tokens
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ana", "scope": "read"}
    claims["exp"] = int((datetime.now(UTC) + timedelta(seconds=1)).timestamp())
    token = jwt.encode(claims, issuer._key, algorithm="EdDSA", headers={"kid": issuer._key_id})
    path = f"/api/v1/analytics/portfolio/{valued}/events"
    async with served.open(path, {"Authorization": f"Bearer {token}"}) as told:
        await told.ends()
        assert told.names() == ["refreshed", "status", "interrupted"]
        assert told.bodies("interrupted")[0]["code"] == "token_expired"
        assert "id" not in told.events[-1]
        assert told.events[-1]["retry"]
    await served.nobody()


async def test_silence_is_kept_alive_with_comments(serve: Any, valued: UUID) -> None:
    served = await serve(heartbeat_seconds=0.05)
    async with served.follow(valued) as told:
        await told.comes("refreshed", "status")
        async with asyncio.timeout(10):
            while told.comments < 3:  # noqa: ASYNC110  # the other side is a socket
                await asyncio.sleep(0.01)
        assert told.names() == ["refreshed", "status"]


@pytest.mark.parametrize(
    ("limits", "status", "code"),
    [({"per_owner": 1}, 429, "too_many_streams"), ({"in_process": 1}, 503, "no_more_streams")],
)
async def test_more_streams_than_may_be_are_refused_with_the_reason(
    serve: Any, valued: UUID, limits: dict[str, int], status: int, code: str
) -> None:
    served = await serve(**limits)
    async with served.follow(valued) as told:
        await told.comes("refreshed", "status")
        async with served.follow(valued) as refused:
            assert (refused.status_code, refused.refusal["code"]) == (status, code)
            assert refused.headers["retry-after"]
    await served.nobody()
    async with served.follow(valued) as told:
        await told.comes("refreshed", "status")


async def test_postgres_away_ends_no_stream_and_tells_nothing_wrong(
    served: Any, world: Any, valued: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served.follow(valued) as told:
        await told.comes("refreshed", "status")
        failed = asyncio.Event()

        async def away(*_: Any) -> Any:
            failed.set()
            raise ConnectionRefusedError

        with monkeypatch.context() as patch:
            patch.setattr(Heads, "many", away)
            await asyncio.wait_for(failed.wait(), 10)
            await world.fold(valued, 1, MONDAY, cash=6.0)
        await told.comes("refreshed", "status", "refreshed")
        assert told.valuations() == [1, 2]
