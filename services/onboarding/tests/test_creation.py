"""Creating portfolios from JSON: one transaction, the right events, the right wait."""

import asyncio
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

KNOWN = {"symbol": "AAPL", "quantity": "100", "entry_price": "185.50", "entry_date": "2024-01-16"}
SHORT = {"symbol": "brk.b", "quantity": -20.5, "entry_price": 410, "entry_date": "2024-05-01"}
NEW = {"symbol": "SNDK", "quantity": "5", "entry_price": "40", "entry_date": "2024-12-12"}


def portfolio(*positions: dict[str, Any], **details: Any) -> dict[str, Any]:
    return {"name": "Mine", "positions": list(positions)} | details


async def test_a_portfolio_of_known_symbols_is_stored_with_its_change_and_one_event(api, layer):
    answer = await api.create(portfolio(KNOWN, SHORT, declared_equity="100000"))
    assert answer.status_code == 201
    created = answer.json()
    assert created["status"] == "pending"
    assert created["pending_symbols"] == []
    assert created["first_session"] == "2024-12-13"
    assert created["declared_equity"] == "100000.0000"
    assert answer.headers["location"] == f"/portfolios/{created['portfolio_id']}"
    assert await layer.counts() == {
        "portfolios": 1,
        "positions": 2,
        "portfolio_changes": 1,
        "creations": 0,
        "outbox": 1,
    }
    assert await layer.outbox() == [
        (
            "portfolio.changed.v1",
            created["portfolio_id"],
            {
                "portfolio": created["portfolio_id"],
                "owner": "ada",
                "version": 1,
                "first_affected_session": "2024-12-13",
                "deleted": False,
            },
        )
    ]


async def test_each_unknown_symbol_whose_prices_are_needed_is_requested_once_and_no_other(api, layer):
    option = {
        "symbol": "TSLA250117C00400000",
        "quantity": "-2",
        "entry_price": "12.5",
        "entry_date": "2024-12-02",
        "underlying_symbol": "TSLA",
        "strike_price": "400",
        "expiration_date": "2025-01-17",
        "option_type": "call",
    }
    private = {"symbol": "Lake House", "quantity": 1, "entry_price": 900000, "entry_date": "2020-02-29"}
    private |= {"investment_class": "private", "investment_subtype": "real estate"}
    closed = {"symbol": "GONE", "quantity": 3, "entry_price": 1, "entry_date": "2024-01-02"}
    closed |= {"exit_date": "2024-02-01", "exit_price": "2"}
    again = NEW | {"quantity": "7"}
    closed_since = closed | {"symbol": "SOLD", "exit_date": "2024-12-13"}
    answer = await api.create(portfolio(NEW, KNOWN, again, option, private, closed, closed_since))
    assert answer.status_code == 201
    assert answer.json()["pending_symbols"] == ["SNDK", "TSLA"]
    said = await layer.outbox()
    assert [(kind, key) for kind, key, _ in said[1:]] == [
        ("symbol.requested.v1", "SNDK"),
        ("symbol.requested.v1", "SOLD"),
        ("symbol.requested.v1", "TSLA"),
    ]


async def test_stored_positions_come_back_as_they_were_sent(api):
    created = (await api.create(portfolio(SHORT, KNOWN))).json()
    found = (await api.get(f"/portfolios/{created['portfolio_id']}")).json()
    assert [(p["symbol"], Decimal(p["quantity"]), Decimal(p["entry_price"])) for p in found["positions"]] == [
        ("AAPL", Decimal(100), Decimal("185.5")),
        ("BRK-B", Decimal("-20.5"), Decimal(410)),
    ]


async def test_a_json_number_never_passes_through_a_float(api):
    sent = '{"name": "Exact", "positions": [{"symbol": "AAPL", "quantity": 123456789012.0123456789, '
    sent += '"entry_price": 0.10000001, "entry_date": "2024-01-16"}]}'
    created = (await api.create(sent)).json()
    found = (await api.get(f"/portfolios/{created['portfolio_id']}")).json()
    assert found["positions"][0]["quantity"] == "123456789012.0123456789"
    assert found["positions"][0]["entry_price"] == "0.10000001"


async def test_the_answer_is_ready_when_the_valuation_arrives_within_the_wait(make_api, layer):
    api = await make_api(valuation_wait_ms=5_000)

    async def fold() -> None:
        while not await layer.count("portfolios"):  # noqa: ASYNC110  # the other side is a database
            await asyncio.sleep(0.01)
        await layer.value(await layer.connection.fetchval("SELECT portfolio_id FROM portfolios.portfolios"))

    folding = asyncio.create_task(fold())
    answer = await api.create(portfolio(KNOWN))
    await folding
    assert (answer.status_code, answer.json()["status"]) == (201, "ready")
    assert answer.json()["valuation"]["valuation"] == 1


async def test_the_answer_is_pending_when_the_wait_is_over(make_api, layer):
    api = await make_api(valuation_wait_ms=60)
    began = asyncio.get_running_loop().time()
    answer = await api.create(portfolio(KNOWN))
    assert 0.06 <= asyncio.get_running_loop().time() - began < 15
    assert (answer.status_code, answer.json()["status"]) == (201, "pending")


async def test_a_named_first_session_is_kept(api):
    answer = await api.create(portfolio(KNOWN, first_session="2024-12-11"))
    assert answer.json()["first_session"] == "2024-12-11"


async def test_a_first_session_that_is_none_or_not_published_is_refused(api, layer):
    for named in ("2024-12-14", "2024-12-16", "2031-01-02", "2001-01-02"):
        answer = await api.create(portfolio(KNOWN, first_session=named))
        assert (answer.status_code, answer.json()["code"]) == (422, "first_session_invalid"), named
    assert await layer.count("portfolios") == 0


async def test_before_the_first_night_the_first_session_is_the_last_one_due(make_api, empty_layer, clock):
    api = await make_api()
    refused = await api.create(portfolio(KNOWN))
    assert (refused.status_code, refused.json()["code"]) == (503, "no_trading_sessions")
    assert int(refused.headers["retry-after"]) > 0
    await empty_layer.calendar(date(2024, 12, 13), date(2024, 12, 16))
    assert (await api.create(portfolio(KNOWN))).json()["first_session"] == "2024-12-13"
    evening = await make_api(clock=type(clock)(datetime(2024, 12, 17, 2, 0, tzinfo=UTC)))
    assert (await evening.create(portfolio(KNOWN))).json()["first_session"] == "2024-12-16"
    assert (await api.create(portfolio(KNOWN))).json()["pending_symbols"] == ["AAPL"]


async def test_only_cash_is_a_portfolio_when_its_equity_is_declared(api):
    assert (await api.create(portfolio(declared_equity=5000))).status_code == 201
    refused = await api.create(portfolio())
    assert [error["code"] for error in refused.json()["errors"]] == ["positions_missing"]


class TestIdempotency:
    async def test_the_same_key_and_content_again_creates_nothing_new(self, api, layer):
        first = await api.create(portfolio(KNOWN, NEW), **{"Idempotency-Key": "k-1"})
        stored = await layer.counts()
        shuffled = dict(reversed(portfolio(KNOWN, NEW).items()))
        again = await api.create(shuffled, **{"Idempotency-Key": "k-1"})
        assert (first.status_code, again.status_code) == (201, 200)
        assert again.json()["portfolio_id"] == first.json()["portfolio_id"]
        assert await layer.counts() == stored

    async def test_the_same_key_with_other_content_is_refused(self, api, layer):
        await api.create(portfolio(KNOWN), **{"Idempotency-Key": "k-1"})
        other = await api.create(portfolio(KNOWN, name="Other"), **{"Idempotency-Key": "k-1"})
        assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
        assert await layer.count("portfolios") == 1

    async def test_two_owners_may_use_the_same_key(self, api, layer):
        answers = [await api.create(portfolio(KNOWN), owner, **{"Idempotency-Key": "k"}) for owner in ("ada", "bob")]
        assert [answer.status_code for answer in answers] == [201, 201]
        assert await layer.count("portfolios") == 2

    async def test_many_at_once_with_one_key_create_one_portfolio(self, api, layer):
        sent = [api.create(portfolio(KNOWN, NEW), **{"Idempotency-Key": "k"}) for _ in range(8)]
        answers = await asyncio.gather(*sent)
        assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
        assert len({answer.json()["portfolio_id"] for answer in answers}) == 1
        assert await layer.counts() == {
            "portfolios": 1,
            "positions": 2,
            "portfolio_changes": 1,
            "creations": 1,
            "outbox": 2,
        }

    async def test_a_late_retry_does_not_bring_a_deleted_portfolio_back(self, api, layer):
        created = (await api.create(portfolio(KNOWN), **{"Idempotency-Key": "k"})).json()
        await api.delete(f"/portfolios/{created['portfolio_id']}")
        late = await api.create(portfolio(KNOWN), **{"Idempotency-Key": "k"})
        assert (late.status_code, late.json()["code"]) == (409, "created_and_deleted")

    async def test_a_key_that_cannot_be_one_is_refused(self, api):
        for key in ("", "with space", "x" * 201, "ключ".encode()):
            answer = await api.create(portfolio(KNOWN), **{"Idempotency-Key": key})
            assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_invalid"), key


class TestLimits:
    async def test_above_the_hard_limit_nothing_is_stored_and_known_symbols_still_pass(self, make_api, layer):
        api = await make_api(pending_symbols_hard_limit=2)
        await layer.request("ONE", "running")
        await layer.request("TWO", "waiting_for_provider")
        await layer.request("OLD", "ready")
        refused = await api.create(portfolio(NEW), **{"Idempotency-Key": "k"})
        assert (refused.status_code, refused.json()["code"]) == (503, "symbol_queue_full")
        assert refused.headers["retry-after"] == "30"
        assert sum((await layer.counts()).values()) == 0
        assert (await api.create(portfolio(KNOWN))).status_code == 201
        queued_already = NEW | {"symbol": "ONE"}
        assert (await api.create(portfolio(queued_already))).status_code == 201
        await layer.request("ONE", "ready")
        assert (await api.create(portfolio(NEW), **{"Idempotency-Key": "k"})).status_code == 201

    async def test_a_portfolio_that_could_never_pass_is_told_so(self, make_api, layer):
        api = await make_api(pending_symbols_hard_limit=2)
        answer = await api.create(portfolio(*(NEW | {"symbol": f"N{n}"} for n in range(3))))
        assert (answer.status_code, answer.json()["code"]) == (422, "too_many_unknown_symbols")

    async def test_above_the_soft_limit_it_is_accepted_without_waiting(self, make_api, layer):
        api = await make_api(pending_symbols_soft_limit=0, valuation_wait_ms=60_000)
        answer = await asyncio.wait_for(api.create(portfolio(NEW)), 10)
        assert (answer.status_code, answer.json()["status"]) == (201, "pending")


async def test_an_error_in_the_middle_stores_nothing_at_all(api, layer, monkeypatch):
    async def breaks(*_: object, **__: object) -> None:
        raise ConnectionResetError("the connection went away")

    monkeypatch.setattr(api.portfolios._edits._outbox, "publish", breaks)
    answer = await api.create(portfolio(KNOWN), **{"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["code"]) == (503, "database_away")
    assert sum((await layer.counts()).values()) == 0


async def test_ten_thousand_positions_are_stored_in_one_go(api, layer):
    many = [KNOWN | {"quantity": str(n + 1)} for n in range(10_000)]
    answer = await asyncio.wait_for(api.create(portfolio(*many)), 30)
    assert answer.status_code == 201
    assert await layer.count("positions") == 10_000
