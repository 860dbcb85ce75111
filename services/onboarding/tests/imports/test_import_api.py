"""Brokers' files over HTTP: one report whatever is done with it, and nothing twice."""

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
