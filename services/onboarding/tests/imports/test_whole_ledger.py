"""A portfolio with flows and prices in JSON: all wrong at once, and exported and imported again the same."""

import asyncio
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

HOUSE = {
    "symbol": "LAKE HOUSE",
    "quantity": "1",
    "entry_price": "250000",
    "entry_date": "2024-12-02",
    "investment_class": "PRIVATE",
}
STOCK = {"symbol": "AAPL", "quantity": "10", "entry_price": "240", "entry_date": "2024-12-11", "entry_fee": "1.5"}
CALL = HOUSE | {
    "symbol": "AAPL CONTRACT",
    "investment_class": "OPTIONS",
    "entry_price": "12",
    "underlying_symbol": "AAPL",
    "strike_price": "180",
    "expiration_date": "2025-01-17",
    "option_type": "CALL",
    "exit_date": "2024-12-13",
    "exit_price": "0",
    "exit_fee": "0.65",
}
BASE = {"name": "Mine", "declared_equity": "100000", "first_session": "2024-12-11"}

amounts = st.decimals(min_value="0.0001", max_value=99_999, places=4).map("{:f}".format)
prices = st.decimals(min_value=0, max_value=99_999, places=8).map("{:f}".format)
notes = st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), max_size=20)


def prices_on(*days: int):
    return st.dictionaries(st.sampled_from(days), prices).map(
        lambda said: [{"date": f"2024-12-{day:02}", "price": price} for day, price in said.items()]
    )


flows = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["deposit", "withdrawal", "fee"]),
        "amount": amounts,
        "date": st.sampled_from(["2024-12-12", "2024-12-14", "2024-12-16"]),
        "note": notes,
    }
)
held = st.one_of(
    st.just(STOCK),
    prices_on(2, 7, 12, 16).map(lambda said: HOUSE | {"prices": said}),
    prices_on(2, 9, 13).map(lambda said: CALL | {"prices": said}),
)


def without_order(document: dict[str, Any]) -> dict[str, Any]:
    """Lots of one symbol and day have no order, nor have flows of one day."""
    lists = {name: sorted(map(repr, document.get(name, []))) for name in ("positions", "cash_flows")}
    return document | lists


async def test_export_and_import_is_the_identity_of_the_whole_ledger(api):
    loop = asyncio.get_running_loop()

    def send(call):
        return asyncio.run_coroutine_threadsafe(call, loop).result(30)

    def exported(answer):
        assert answer.status_code == 201, answer.text
        return send(api.get(f"{answer.headers['location']}/export?format=json"))

    def contents(answer) -> list[list[str]]:
        where = answer.headers["location"]
        lots = send(api.get(f"{where}/lots")).json()["lots"]
        flows = send(api.get(f"{where}/cash-flows")).json()["cash_flows"]
        for lot in lots:
            said = send(api.get(f"{where}/lots/{lot.pop('position_id')}/prices")).json()["prices"]
            lot["prices"] = said
        for flow in flows:
            flow.pop("flow_id")
        return [sorted(map(repr, lots)), sorted(map(repr, flows))]

    @settings(max_examples=20, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.lists(held, max_size=4), st.lists(flows, max_size=4))
    def holds(positions, cash_flows):
        first = send(api.create(BASE | {"positions": positions, "cash_flows": cash_flows}))
        document = exported(first)
        second = send(api.create(document.text))
        assert without_order(exported(second).json()) == without_order(document.json())
        assert [len(part) for part in contents(first)] == [len(positions), len(cash_flows)]
        assert contents(first) == contents(second)
        said = sum(len(position.get("prices", [])) for position in positions)
        assert sum(len(position.get("prices", [])) for position in document.json()["positions"]) == said

    await asyncio.to_thread(holds)


async def test_everything_wrong_with_flows_and_prices_is_said_at_once(api, layer):
    wrong = BASE | {
        "positions": [
            STOCK | {"prices": [{"date": "2024-12-12", "price": "1"}]},
            HOUSE | {"prices": [{"date": "2024-12-01", "price": "-1"}, "x", {"date": "2034-01-01", "amount": "1"}]},
            HOUSE | {"prices": [{"date": "2024-12-12", "price": "1"}, {"date": "2024-12-12", "price": "2"}]},
            CALL | {"prices": [{"date": "2024-12-16", "price": "1"}]},
            HOUSE | {"prices": "none"},
        ],
        "cash_flows": [{"kind": "gift", "amount": "0", "date": "x", "flow": 1}, 7],
    }
    answer = await api.create(wrong)
    assert answer.status_code == 422
    errors = answer.json()["errors"]
    assert sorted((error["index"], error["field"], error["code"]) for error in errors) == [
        (0, "amount", "amount_not_positive"),
        (0, "date", "date_not_iso"),
        (0, "flow", "field_unknown"),
        (0, "kind", "kind_invalid"),
        (0, "prices[0].date", "price_of_public_lot"),
        (1, "cash_flows", "value_invalid"),
        (1, "prices[0].date", "price_before_entry"),
        (1, "prices[0].price", "price_not_positive"),
        (1, "prices[1]", "value_invalid"),
        (1, "prices[2].amount", "field_unknown"),
        (1, "prices[2].date", "date_in_future"),
        (1, "prices[2].price", "price_missing"),
        (2, "prices[1].date", "price_repeated"),
        (3, "prices[0].date", "price_after_exit"),
        (4, "prices", "prices_invalid"),
    ]
    assert all(error["mend"] and "value" in error and error["message"] for error in errors)
    assert sum((await layer.counts()).values()) == 0


async def test_a_flow_up_to_the_first_session_is_refused_by_its_index(api, layer):
    flow = {"kind": "deposit", "amount": "5", "date": "2024-12-12"}
    answer = await api.create(BASE | {"positions": [], "cash_flows": [flow, flow | {"date": "2024-12-11"}]})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["index"], error["field"], error["code"]) == (1, "date", "flow_before_first_session")
    assert await layer.count("portfolios") == 0
