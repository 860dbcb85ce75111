"""Brokers' files over HTTP: one report whatever is done with it, and nothing twice."""

import asyncio
import json

TRADES = """\
Date,Action,Symbol,Description,Quantity,Price,Fees & Comm,Amount
12/12/2024,Sell,AAPL,APPLE,15,$240.00,,
12/11/2024,Buy,AAPL,APPLE,10,$235.00,,
12/10/2024,Cash Dividend,AAPL,APPLE,,,,$5.00
12/09/2024,Buy,AAPL,APPLE,10,$230.00,,
"""
OVERSOLD = TRADES + "12/06/2024,Sell,MSFT,MICROSOFT,1,$400.00,,\n"
FLEX = """\
Buy/Sell,TradeDate,ISIN,Quantity,TradePrice,CurrencyPrimary
BUY,20241209,US0378331005,5,230,USD
"""


async def test_trades_become_lots_and_the_same_file_again_creates_nothing(api, layer):
    first = await api.upload(TRADES)
    stored = await layer.counts()
    assert first.status_code == 201
    report = first.json()["report"]
    counts = {name: report[name] for name in ("dialect", "rows", "accepted", "rejected", "left_out", "positions")}
    assert counts == {"dialect": "schwab", "rows": 3, "accepted": 3, "rejected": 0, "left_out": 1, "positions": 3}
    again = await api.upload(TRADES)
    assert (again.status_code, again.json()["portfolio_id"]) == (200, first.json()["portfolio_id"])
    assert await layer.counts() == stored
    positions = (await api.get(first.headers["location"])).json()["positions"]
    shown = [(float(p["quantity"]), float(p["entry_price"]), p["exit_date"]) for p in positions]
    assert sorted(shown, key=str) == [(10.0, 230.0, "2024-12-12"), (5.0, 235.0, "2024-12-12"), (5.0, 235.0, None)]


async def test_an_error_says_where_what_and_how_to_mend_it_in_every_mode(api, layer):
    dry = await api.upload(OVERSOLD, dry_run="true")
    refused = await api.upload(OVERSOLD)
    assert (dry.status_code, refused.status_code) == (200, 422)
    assert dry.json()["would_be_stored"] is False
    errors = refused.json()["errors"]
    assert dry.json()["report"]["errors"] == errors
    assert [(e["row"], e["column"], e["code"], e["value"]) for e in errors] == [(6, "Quantity", "oversell", "1")]
    assert "1 MSFT" in errors[0]["message"]
    assert errors[0]["mend"].startswith("Send a file that begins before the purchase")
    assert sum((await layer.counts()).values()) == 0
    partial = await api.upload(OVERSOLD, mode="accept_valid")
    assert (partial.status_code, partial.json()["report"]["errors"]) == (201, errors)
    assert await layer.count("positions") == 3


async def test_the_caller_gives_tickers_for_isins_as_json(api):
    unmapped = await api.upload(FLEX)
    assert [error["code"] for error in unmapped.json()["errors"]] == ["isin_unmapped"]
    mapped = await api.upload(FLEX, isins=json.dumps({"US0378331005": "AAPL"}))
    assert (mapped.status_code, mapped.json()["report"]["positions"]) == (201, 1)


async def test_terms_that_cannot_be_read_are_named(api, layer):
    for terms in (
        {"isins": "AAPL"},
        {"isins": '{"AAPL": "AAPL"}'},
        {"isins": "[" * 5_000},
        {"file_date": "13.12.2024"},
    ):
        answer = await api.upload(TRADES, **terms)
        assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, list(terms))
    assert await layer.count("portfolios") == 0


async def documented(api, status: str) -> dict:
    """The examples that OpenAPI shows of answers to imports, by name."""
    operation = (await api.client.get("/openapi.json")).json()["paths"]["/portfolios/import"]["post"]
    (content,) = operation["responses"][status]["content"].values()
    return {name: example["value"] for name, example in content["examples"].items()}


def without_nulls(value: object) -> object:
    """OpenAPI leaves nulls out of its examples."""
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [without_nulls(inner) for inner in value] if isinstance(value, list) else value


async def test_the_documented_answers_are_those_that_are_given(api):
    """The examples are of this file; beside them only the address of the request is in an answer."""
    shown = await documented(api, "422")
    dry = (await api.upload(OVERSOLD, dry_run="true")).json()
    assert (await documented(api, "200"))["a dry run that found an error"] == without_nulls(dry)
    for name, answer in (
        ("rows with errors", await api.upload(OVERSOLD)),
        ("a file that cannot be read as a whole", await api.upload("Symbol,Quantity,Entry Price Per Share\nA,1,2")),
        ("something said beside the file", await api.upload(TRADES, file_date="13.12.2024")),
    ):
        said = {key: value for key, value in answer.json().items() if key != "instance"}
        assert (answer.status_code, without_nulls(said)) == (422, shown[name])


async def test_what_can_be_said_beside_a_file_is_documented(api):
    operation = (await api.client.get("/openapi.json")).json()["paths"]["/portfolios/import"]["post"]
    query = {parameter["name"]: parameter for parameter in operation["parameters"] if parameter["in"] == "query"}
    form = operation["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
    said = {"name", "declared_equity", "first_session", "mode", "dry_run", "file_date", "isins"}
    assert (query.keys(), form.keys()) == (said, said | {"file"})
    assert all(parameter["description"] for parameter in query.values())
    refused = await api.upload(TRADES, **{name: query[name].get("example", "x") for name in said}, more="x")
    assert {error["field"] for error in refused.json()["errors"]} == {
        "declared_equity",
        "first_session",
        "mode",
        "dry_run",
        "more",
    }


async def test_a_file_is_stored_once_after_dry_runs_and_beside_itself(api, layer):
    dry = [api.upload(TRADES, dry_run="true") for _ in range(2)]
    answers = await asyncio.gather(*dry, *(api.upload(TRADES) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 200, 200, 201]
    after = await api.upload(TRADES, dry_run="true")
    assert (after.status_code, after.json()["would_be_stored"]) == (200, True)
    assert (await layer.count("portfolios"), await layer.count("positions")) == (1, 3)


async def test_accept_valid_stores_exactly_the_valid_rows(api):
    header = "Symbol,Quantity,Entry Price Per Share,Entry Date"
    rows = [f"{symbol},{n},10,2024-01-{n:02}" for n, symbol in enumerate(["AAPL", "?", "MSFT", "", "SPY", "A B"], 1)]
    answer = await api.upload("\n".join([header, *rows, rows[0], rows[0]]), mode="accept_valid")
    report = answer.json()["report"]
    assert [error["row"] for error in report["errors"]] == [3, 5, 7]
    assert [(warning["row"], warning["code"]) for warning in report["warnings"]] == [
        (8, "identical_row"),
        (9, "identical_row"),
    ]
    positions = (await api.get(answer.headers["location"])).json()["positions"]
    stored = sorted((p["symbol"], float(p["quantity"])) for p in positions)
    assert stored == [("AAPL", 1.0), ("AAPL", 1.0), ("AAPL", 1.0), ("MSFT", 3.0), ("SPY", 5.0)]
