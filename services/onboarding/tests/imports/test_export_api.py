"""A portfolio as a file: imported again it is the same, whatever is held."""

import asyncio
import json
from datetime import date, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

HEADER = (
    "Symbol,Quantity,Entry Price Per Share,Entry Date,Investment Class,Investment Subtype,Underlying Symbol,"
    "Strike Price,Expiration Date,Option Type,Exit Date,Exit Price Per Share,Entry Fee,Exit Fee,Multiplier,Currency"
)
EVERYTHING = [
    "AAPL,100.5,185.5,2024-01-16,PUBLIC,STOCK,,,,,,,1.25,,1,USD",
    "MSFT,-20,410,2024-05-01,PUBLIC,,,,,,2024-06-03,413.5,0.65,0.7001,1,USD",
    "AAPL 17JAN25 180 C,-2,12.5,2024-11-01,OPTIONS,CALL,AAPL,180,2025-01-17,CALL,2024-12-02,0,1.3,,100,USD",
    "LAKE HOUSE & CO,1,250000,2020-02-29,PRIVATE,REAL_ESTATE,,,,,,,12500,,1,USD",
]
SUBTYPES = {"PUBLIC": ["STOCK", "ETF"], "OPTIONS": ["CALL"], "PRIVATE": ["REAL_ESTATE", "ART"]}
TODAY = date(2024, 12, 16)

quantities = st.decimals(min_value=-5_000, max_value=5_000, places=10).filter(bool)
prices = st.decimals(min_value="0.00000001", max_value=9_999, places=8)
fees = st.sampled_from(["0", "0.65", "1.3334", "12500"])
days = st.dates(min_value=date(1990, 1, 1), max_value=TODAY)


@st.composite
def positions(draw: st.DrawFn) -> dict[str, Any]:
    """A position of any class: long or short, open or closed, with fees or without."""
    kind, entry = draw(st.sampled_from(list(SUBTYPES))), draw(days)
    position = {
        "symbol": draw(st.sampled_from(["AAPL", "MSFT", "SPY", "BRK.B"])),
        "quantity": f"{draw(quantities):f}",
        "entry_price": f"{draw(prices):f}",
        "entry_date": entry.isoformat(),
        "entry_fee": draw(fees),
        "investment_class": kind,
        "investment_subtype": draw(st.sampled_from([None, *SUBTYPES[kind]])),
    }
    if kind == "PRIVATE":
        position["symbol"] = draw(st.sampled_from(["Lake House", "ACME (SERIES B)", "2ND & MAIN"]))
    if kind == "OPTIONS":
        position |= {
            "symbol": "BRK-B CONTRACT",
            "underlying_symbol": "BRK.B",
            "strike_price": f"{draw(prices):f}",
            "expiration_date": (entry + timedelta(days=draw(st.integers(0, 900)))).isoformat(),
            "option_type": draw(st.sampled_from(["CALL", "PUT"])),
            "multiplier": draw(st.sampled_from(["100", "0.5"])),
        }
    if draw(st.booleans()):
        worthless = kind != "PUBLIC" and draw(st.booleans())
        position |= {
            "exit_date": draw(st.dates(min_value=entry, max_value=TODAY)).isoformat(),
            "exit_price": "0" if worthless else f"{draw(prices):f}",
            "exit_fee": draw(fees),
        }
    return position


async def test_what_is_exported_and_imported_again_is_the_same_portfolio(api):
    """Both ways, on one database; the examples share it."""
    loop = asyncio.get_running_loop()

    def send(call):
        return asyncio.run_coroutine_threadsafe(call, loop).result(30)

    def exported(answer, as_format: str) -> str:
        assert answer.status_code == 201, answer.text
        return send(api.get(f"{answer.headers['location']}/export?format={as_format}")).text

    @settings(max_examples=25, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.lists(positions(), min_size=1, max_size=8))
    def holds(held):
        created = send(api.create({"name": "Mine", "declared_equity": "1234567.8901", "positions": held}))
        csv, document = exported(created, "csv"), exported(created, "json")
        from_csv = send(api.upload(csv, headers={"Idempotency-Key": created.json()["portfolio_id"]}))
        from_json = send(api.create(document))
        assert sorted_lots(exported(from_csv, "csv")) == sorted_lots(csv)
        assert sorted_lots(exported(from_json, "json")) == sorted_lots(document)
        stored = [send(shown(api, answer)) for answer in (created, from_csv, from_json)]
        assert stored[0] == stored[1] == stored[2]

    await asyncio.to_thread(holds)


def sorted_lots(text: str) -> list[str]:
    """Lots of one symbol and day have no order."""
    return sorted(text.splitlines()) if text.startswith("Symbol") else sorted(map(repr, json.loads(text)["positions"]))


async def shown(api, answer) -> list[str]:
    body = (await api.get(answer.headers["location"])).json()
    return sorted(repr({k: v for k, v in lot.items() if k != "position_id"}) for lot in body["positions"])


async def test_the_csv_is_a_file_with_the_portfolios_name_and_version(api):
    created = (await api.upload("\n".join([HEADER, *EVERYTHING]), name="Ada's/Börse")).json()
    answer = await api.get(f"/portfolios/{created['portfolio_id']}/export")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"portfolio.csv\"; filename*=UTF-8''Ada%27s%2FB%C3%B6rse.csv"
    )
    assert answer.headers["etag"] == '"1"'
    header, *lines = answer.text.splitlines()
    assert (header, sorted(lines)) == (HEADER, sorted(EVERYTHING))


async def test_the_json_is_a_body_that_creates_the_portfolio_again(api):
    created = (await api.upload("\n".join([HEADER, EVERYTHING[1]]), name="Börse", declared_equity="5000")).json()
    answer = await api.get(f"/portfolios/{created['portfolio_id']}/export?format=json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "name": "Börse",
        "first_session": "2024-12-13",
        "declared_equity": "5000.0000",
        "positions": [
            {
                "symbol": "MSFT",
                "quantity": "-20",
                "entry_price": "410",
                "entry_date": "2024-05-01",
                "investment_class": "PUBLIC",
                "exit_date": "2024-06-03",
                "exit_price": "413.5",
                "entry_fee": "0.65",
                "exit_fee": "0.7001",
                "multiplier": "1",
                "currency": "USD",
            }
        ],
    }


async def test_who_has_the_present_version_is_not_sent_it_again(api):
    created = (await api.upload("\n".join([HEADER, *EVERYTHING]))).json()
    address = f"/portfolios/{created['portfolio_id']}/export"
    for tag, status in (('"1"', 304), ('W/"1"', 304), ('"7", "1"', 304), ("*", 304), ('"2"', 200), ("1", 200)):
        answer = await api.client.get(address, headers=api.as_owner("ada", **{"If-None-Match": tag}))
        assert (answer.status_code, answer.headers["etag"], bool(answer.content)) == (status, '"1"', status == 200)


async def test_a_portfolio_without_lots_is_exported_as_a_header(api):
    created = await api.create({"name": "Cash", "declared_equity": "1000", "positions": []})
    answer = await api.get(f"{created.headers['location']}/export")
    assert answer.text == f"{HEADER}\n"


async def test_anothers_portfolio_a_deleted_one_and_an_unknown_format_are_refused(api):
    created = await api.upload("\n".join([HEADER, *EVERYTHING]))
    address = f"{created.headers['location']}/export"
    assert (await api.get(address, owner="bob")).status_code == 404
    assert (await api.client.get(address)).status_code == 401
    assert (await api.get(f"{address}?format=xlsx")).status_code == 422
    await api.delete(created.headers["location"])
    assert (await api.get(address)).status_code == 404
