"""Whatever a file has in it, it is read or refused, also one of ten thousand rows."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.imports.dialects import recognised
from onboarding.imports.dialects.dialect import Source
from onboarding.imports.files import read_file
from onboarding.imports.findings import ImportRefused
from onboarding.imports.terms import Terms

TODAY = date(2026, 11, 20)
TERMS = Terms(TODAY, {"US0378331005": "AAPL"})

HEADERS = {
    "riskstream": "Symbol,Quantity,Entry Price Per Share,Entry Date",
    "schwab": "Symbol,Description,Quantity,Price,Cost Basis",
    "schwab, activity": "Date,Action,Symbol,Quantity,Price,Fees & Comm",
    "fidelity": "Account Number,Symbol,Quantity,Last Price,Cost Basis Total,Type",
    "fidelity, history": "Run Date,Action,Symbol,Quantity,Price,Currency",
    "vanguard": "Account Number,Investment Name,Symbol,Shares,Share Price,Total Value",
    "vanguard, activity": "Account Number,Trade Date,Transaction Type,Symbol,Shares,Share Price",
    "interactive_brokers": "Trades,Header,DataDiscriminator,Asset Category,Currency,Symbol,Date/Time,Quantity,"
    "T. Price,Code",
    "interactive_brokers, positions": "Open Positions,Header,DataDiscriminator,Asset Category,Currency,Symbol,Open,"
    "Quantity,Mult,Cost Price,Close Price",
    "interactive_brokers_flex": "Symbol,CurrencyPrimary,TradeDate,Quantity,TradePrice,Buy/Sell,AssetClass",
    "interactive_brokers_flex, positions": "Symbol,CurrencyPrimary,Position,MarkPrice,CostBasisMoney,"
    "ReportDate,Multiplier",
    "trading212": "Action,Time,ISIN,Ticker,No. of shares,Price / share,Currency (Price / share),ID",
    "saxo": "Client ID,Trade Date,Type,Instrument Symbol,Event,Amount",
    "swissquote": "Date;Order #;Transaction;Symbol;ISIN;Quantity;Unit price;Currency",
    "etoro": "Date,Type,Details,Amount,Units,Position ID,Asset type",
    "revolut": "Date,Ticker,Type,Quantity,Price per share,Total Amount,Currency",
    "freetrade": "Title,Type,Timestamp,Buy / Sell,Ticker,ISIN,Instrument Currency,Price per Share,Quantity",
    "parqet": "datetime;price;shares;amount;type;assettype;identifier;currency",
}

cell = st.one_of(
    st.text(alphabet=st.characters(exclude_characters='"\r\n\x00', exclude_categories=["Cs"]), max_size=6),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.sampled_from(
        [
            "AAPL",
            "USD",
            "EUR",
            "Buy",
            "Sell",
            "BUY",
            "SELL",
            "Trade",
            "Order",
            "Lot",
            "Summary",
            "Data",
            "Trades",
            "Open Positions",
            "Stocks",
            "STK",
            "OPT",
            "ORDER",
            "Expired",
            "Stock Split",
            "STOCK SPLIT",
            "Sell Short",
            "Buy to Cover",
            "YOU BOUGHT",
            "YOU SOLD",
            "EXPIRED",
            "Market buy",
            "Market sell",
            "Security",
            "Open Position",
            "Position closed",
            "AAPL/USD",
            "BUY - MARKET",
            "Buy 3 @ 1e5 USD",
            "Buy 3 @ 5.5 USD",
            "US0378331005",
            "912828YK0",
            "AAPL  270115C00300000",
            "-SNDK270917C1500",
            "AAPL 17JAN25 180 C",
            "SPAXX**",
            "2026-11-02",
            "20261102",
            "11/02/2026",
            "02-11-2026",
            "02/11/2026",
            "11/02/2026 as of 10/30/2026",
            "1",
            "10",
            "-5",
            "0.5",
            "-0",
            "1e999",
            "1e-999",
            "(3)",
            "--",
            "N/A",
            "1e15",
            "999999999999999",
            "C;O",
        ]
    ),
)


@pytest.mark.parametrize("layout", HEADERS)
def test_any_row_of_any_broker_is_a_lot_an_error_or_left_out(layout):
    header = HEADERS[layout]
    mark = ";" if ";" in header else ","
    width = header.count(mark) + 1
    section = [*header.split(",")[:1], "Data"] if "Header" in header else []
    row = st.lists(cell, min_size=width - len(section), max_size=width - len(section))

    @settings(max_examples=100, deadline=None, derandomize=True, database=None)
    @given(st.lists(row, min_size=1, max_size=6))
    def holds(rows):
        lines = [mark.join([*section, *(f'"{text}"' for text in row)]) for row in rows]
        content = "\n".join([header, *lines])
        dialect = recognised(Source(content))
        assert layout.partition(",")[0] == ("riskstream" if dialect is None else dialect.name)
        try:
            found = read_file(content.encode(), TERMS, max_rows=100)
        except ImportRefused as refused:
            if refused.code not in {"nothing_to_import", "file_empty"}:
                raise
            return
        assert found.rejected == len({error.place for error in found.errors})
        assert len(found.lots) == len(found.places)
        for lot in found.lots:
            assert lot.quantity
            assert lot.entry_price > 0
            assert lot.entry_date <= (lot.exit_date or lot.entry_date) <= TODAY

    holds()


ROWS = 10_000


def ten_thousand() -> dict[str, str]:
    """Files of ten thousand rows: ours, trades that are matched, and one error in every row."""
    ours = "Symbol,Quantity,Entry Price Per Share,Entry Date"
    schwab = "Date,Action,Symbol,Description,Quantity,Price,Fees & Comm,Amount"
    trades = [
        f"{1 + n % 12:02}/{1 + n // 12 % 28:02}/{2010 + n // 336 % 15},{'Sell' if n % 3 == 2 else 'Buy'},S{n % 40},,"
        f'"{1 + n % 7}.25","$1,{n % 900:03}.50",,'
        for n in range(ROWS)
    ]
    return {
        "ours": "\n".join([ours, *(f'S{n % 500},"1,0{n % 90:02}",$185.50,2024-01-16' for n in range(ROWS))]),
        "trades": "\n".join([schwab, *trades]),
        "errors": "\n".join([ours, *["=A1,ten,-5,16.1.2024"] * ROWS]),
        "decimal commas": "\n".join([ours.replace(",", ";"), *["AAPL;1,5;1.185,50;2024-01-16"] * ROWS]),
    }


@pytest.mark.parametrize("kind", ten_thousand())
def test_every_one_of_ten_thousand_rows_is_checked(kind):
    assert read_file(ten_thousand()[kind].encode(), TERMS, max_rows=50_000).rows == ROWS
