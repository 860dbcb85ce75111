"""The status as it is polled: an ETag of all that can change, when to ask again, and whose turn it is."""

import pytest

from onboarding.status import UnknownSymbol, is_over, poll_after_ms

KNOWN = {"symbol": "AAPL", "quantity": "10", "entry_price": "150", "entry_date": "2024-05-01"}
NEW = KNOWN | {"symbol": "SNDK"}
QUEUED = UnknownSymbol("NEW", "queued", ahead=4)
FAILED = UnknownSymbol("NOPE", "failed", reason="not_found")
VALUED_NEXT = UnknownSymbol("NEW", "ready")


async def test_a_status_that_has_not_changed_is_not_sent_again(api, layer):
    portfolio = (await api.create({"name": "Mine", "positions": [NEW]})).json()["portfolio_id"]
    address, headers = f"/portfolios/{portfolio}/status", api.as_owner("ada")
    first = await api.get(address)
    again = await api.client.get(address, headers=headers | {"If-None-Match": f'"other", {first.headers["etag"]}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    seen = {first.headers["etag"]}
    for change in (
        layer.request("SNDK", "queued"),
        layer.request("SNDK", "waiting_for_provider"),
        layer.value(portfolio),
        layer.know("SNDK"),
    ):
        await change
        answer = await api.client.get(address, headers=headers | {"If-None-Match": ", ".join(seen)})
        assert answer.status_code == 200
        seen.add(answer.headers["etag"])
    assert len(seen) == 5
    assert answer.headers["cache-control"] == "private, no-cache"


async def test_the_queue_before_a_symbol_is_counted_as_it_is_worked_through(api, layer):
    for minutes, symbol, state in (
        (9, "DONE", "ready"),
        (8, "LOST", "failed"),
        (7, "AAA", "running"),
        (6, "BBB", "waiting_for_provider"),
        (5, "SNDK", "queued"),
        (4, "AFTER", "queued"),
    ):
        await layer.request(symbol, state)
        await layer.connection.execute(
            "UPDATE symbols.symbol_requests SET requested_at = now() - make_interval(mins => $2) WHERE symbol = $1",
            symbol,
            minutes,
        )
    created = (await api.create({"name": "Mine", "positions": [NEW, KNOWN | {"symbol": "ZETA"}]})).json()
    ahead = {symbol["symbol"]: symbol["ahead"] for symbol in created["progress"]}
    assert ahead == {"SNDK": 2, "ZETA": 4}, "ZETA's request is still on its way: it comes behind all"
    await layer.request("AAA", "ready")
    status = (await api.get(created["status_address"])).json()
    assert [symbol["ahead"] for symbol in status["progress"]] == [1, 3]
    await layer.request("SNDK", "running")
    status = (await api.get(created["status_address"])).json()
    assert [symbol["ahead"] for symbol in status["progress"]] == [None, 3]


async def test_a_symbol_that_is_known_and_not_yet_valued_keeps_the_portfolio_pending(api, layer):
    created = (await api.create({"name": "Mine", "positions": [NEW]})).json()
    await layer.value(created["portfolio_id"])
    await layer.connection.execute("UPDATE valuations.valuation_heads SET unknown_symbols = '{SNDK}'")
    await layer.know("SNDK")
    status = (await api.get(created["status_address"])).json()
    assert (status["status"], [symbol["state"] for symbol in status["progress"]]) == ("pending", ["ready"])
    await layer.connection.execute("UPDATE valuations.valuation_heads SET unknown_symbols = '{}'")
    status = (await api.get(created["status_address"])).json()
    assert (status["status"], status["poll_after_ms"]) == ("ready", None)


async def rows_by_table(layer) -> dict[str, int]:
    """Of every table of the schema, whichever there are."""
    tables = await layer.connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'portfolios'")
    assert len(tables) > 5
    return {table: await layer.count(table) for (table,) in tables}


async def test_above_the_hard_limit_no_table_has_a_row_and_no_event_is_said(make_api, layer):
    api = await make_api(pending_symbols_hard_limit=1)
    await layer.request("ONE", "waiting_for_provider")
    before = await rows_by_table(layer)
    refused = await api.create({"name": "Mine", "positions": [NEW]}, **{"Idempotency-Key": "k"})
    assert (refused.status_code, refused.json()["code"]) == (503, "symbol_queue_full")
    assert int(refused.headers["retry-after"]) > 0
    assert await rows_by_table(layer) == before
    await layer.request("ONE", "ready")
    assert (await api.create({"name": "Mine", "positions": [NEW]}, **{"Idempotency-Key": "k"})).status_code == 201
    assert await rows_by_table(layer) != before


@pytest.mark.parametrize(
    ("unknown", "version", "valued", "over"),
    [
        ([], 1, 1, True),
        ([], 2, 1, False),
        ([], 1, None, False),
        ([FAILED], 1, 1, True),
        ([FAILED], 1, None, False),
        ([FAILED, QUEUED], 1, 1, False),
        ([VALUED_NEXT], 1, 1, False),
    ],
)
def test_it_is_over_when_nothing_is_on_its_way(unknown, version, valued, over):
    assert is_over(unknown, version, valued) is over
    assert (poll_after_ms(unknown, version, valued) is None) is over


@pytest.mark.parametrize(
    ("unknown", "milliseconds"),
    [
        ([], 250),
        ([VALUED_NEXT], 250),
        ([FAILED], 250),
        ([QUEUED], 2_200),
        ([UnknownSymbol("NEW", None, ahead=0)], 1_000),
        ([UnknownSymbol("NEW", "queued", ahead=1_000)], 15_000),
        ([UnknownSymbol("NEW", "waiting_for_provider", ahead=0)], 5_000),
        ([QUEUED, UnknownSymbol("NEWER", "running")], 1_000),
    ],
)
def test_the_longer_it_takes_the_later_it_is_worth_asking(unknown, milliseconds):
    assert poll_after_ms(unknown, 1, None) == milliseconds
