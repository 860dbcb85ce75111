"""The log of changes, replayed from nothing, is the whole ledger: also what a creation, a file and a rename brought."""

from datetime import date

from onboarding.renames import LotRenamer
from riskstream.messaging.outbox import Outbox

STOCK = {"symbol": "AAPL", "quantity": "10", "entry_price": "240", "entry_date": "2024-12-11", "entry_fee": "1.5"}
HOUSE = {
    "symbol": "LAKE HOUSE",
    "quantity": "1",
    "entry_price": "250000",
    "entry_date": "2024-12-02",
    "investment_class": "PRIVATE",
    "prices": [{"date": "2024-12-10", "price": "251000.5"}, {"date": "2024-12-13", "price": "252000"}],
}
CALL = {
    "symbol": "MSFT CONTRACT",
    "quantity": "-2",
    "entry_price": "12",
    "entry_date": "2024-12-12",
    "investment_class": "OPTIONS",
    "underlying_symbol": "MSFT",
    "strike_price": "180",
    "expiration_date": "2025-01-17",
    "option_type": "CALL",
    "prices": [{"date": "2024-12-13", "price": "11.25"}],
}
FLOWS = [
    {"kind": "deposit", "amount": "5000.25", "date": "2024-12-13", "note": "Salary"},
    {"kind": "fee", "amount": "3", "date": "2024-12-16"},
]
FILE = """\
Date,Action,Symbol,Description,Quantity,Price,Fees & Comm,Amount
12/16/2024,MoneyLink Transfer,,IN,,,,"$1,000.00"
12/13/2024,Sell,SPY,SPDR,4,$600.00,$0.65,
12/12/2024,Buy,SPY,SPDR,10,$595.00,$0.65,
"""


async def test_a_creation_lists_all_that_it_brought(make_portfolio):
    portfolio = await make_portfolio(positions=[STOCK, HOUSE, CALL], cash_flows=FLOWS)
    assert len(await portfolio.ledger()) == 1 + 3 + 3 + 2
    assert await portfolio.replayed() == await portfolio.ledger()
    [created] = await portfolio.changes()
    assert (created["before"], created["after"][0]["name"]) == (None, "Mine")


async def test_a_file_that_creates_and_one_that_adds_list_all_that_they_brought(api, make_portfolio):
    created = await api.upload(FILE, first_session="2024-12-11")
    portfolio = await make_portfolio(positions=[STOCK])
    sent = api.as_owner("ada") | {"Content-Type": "text/csv"}
    added = await api.client.post(f"{portfolio.path}/import", content=FILE, headers=sent)
    assert (created.status_code, added.status_code) == (201, 201)
    assert len(await portfolio.ledger()) == 1 + 1 + 2 + 1
    assert await portfolio.replayed() == await portfolio.ledger()
    portfolio.id = created.json()["portfolio_id"]
    assert len(await portfolio.ledger()) == 1 + 2 + 1
    assert await portfolio.replayed() == await portfolio.ledger()


async def test_after_a_rename_a_description_and_what_was_taken_away_it_still_is(make_portfolio, layer, engine, clock):
    portfolio = await make_portfolio(positions=[STOCK, HOUSE, CALL], cash_flows=FLOWS)
    lots = {lot["symbol"]: lot["position_id"] for lot in await portfolio.lots()}
    await layer.know("MSFT2")
    await layer.connection.execute(
        "INSERT INTO symbols.symbol_renames VALUES ('MSFT', 'MSFT2', $1, now())", date(2024, 12, 13)
    )
    assert await LotRenamer(engine, Outbox("portfolios", "/services/onboarding", clock=clock), clock).apply() == 1
    await portfolio.ask("PATCH", "", {"name": "Ours", "declared_equity": None}, tag=2)
    part = {"exit_date": "2024-12-13", "exit_price": "1", "quantity": "0.25"}
    await portfolio.ask("POST", f"/lots/{lots['LAKE HOUSE']}/close", part, tag="*")
    await portfolio.ask("DELETE", f"/lots/{lots['MSFT CONTRACT']}/prices/2024-12-13", tag="*")
    await portfolio.ask("DELETE", f"/lots/{lots['LAKE HOUSE']}", tag="*")
    assert await portfolio.version() == 6
    ledger = await portfolio.ledger()
    assert len(ledger) == 1 + 3 + 2 + 2, "two prices of the house went to the part that was sold"
    assert await portfolio.replayed() == ledger
