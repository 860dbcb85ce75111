"""Charles Schwab: positions (one table an account, below a banner) and transactions."""

import re
from decimal import Decimal

from onboarding.imports.commissions import commission
from onboarding.imports.dialects.dialect import Dialect, Source
from onboarding.imports.findings import Field, Finding
from onboarding.imports.instruments import Instrument, cost_per_share, instrument_of
from onboarding.imports.sheet import Banner, Record
from onboarding.imports.spelling import as_date, iso_date, number_or_none
from onboarding.imports.statement import Effect, Side, Split, Statement
from onboarding.imports.terms import Terms, day_of_file

POSITIONS = frozenset({"symbol", "description", "price", "cost basis"})
TRANSACTIONS = frozenset({"date", "action", "symbol", "quantity", "price", "fees & comm"})

DATE = "%m/%d/%Y"
ACTIONS = {
    "buy": (Side.BUY, Effect.UNSAID),
    "reinvest shares": (Side.BUY, Effect.UNSAID),
    "buy to open": (Side.BUY, Effect.OPENS),
    "buy to close": (Side.BUY, Effect.CLOSES),
    "buy to cover": (Side.BUY, Effect.CLOSES),
    "sell": (Side.SELL, Effect.UNSAID),
    "sell to close": (Side.SELL, Effect.CLOSES),
    "sell to open": (Side.SELL, Effect.OPENS),
    "sell short": (Side.SELL, Effect.OPENS),
}
"""Every other action leaves holdings as they are where it has no quantity, and is refused where it has one."""

TRANSFERS = frozenset(
    {
        "check received",
        "funds paid",
        "funds received",
        "internal transfer",
        "journal",
        "moneylink deposit",
        "moneylink transfer",
        "wire funds",
        "wire funds received",
        "wire received",
        "wire sent",
    }
)
FEES = frozenset({"adr mgmt fee", "advisor fee", "misc fee", "service fee", "wire fee"})

_AS_OF = re.compile(r"as of .*?(\d{4}/\d{2}/\d{2}|\d{2}/\d{2}/\d{4})", re.IGNORECASE)
_TOTALS = ("account total", "positions total", "total", "transactions total")
_CASH = "cash & cash investments"


def read(source: Source, terms: Terms) -> Statement:
    """Positions on the banner's date; transactions with the dates they are `as of`."""
    statement = Statement()
    account, day = "", day_of_file(terms)
    for item in source.sheet.walk({"positions": POSITIONS, "transactions": TRANSACTIONS}):
        match item:
            case Banner():
                account = item.text
                said = _AS_OF.search(item.text)
                day = day_of_file(terms, said[1], "%Y/%m/%d", DATE) if said else day
            case Finding():
                statement.errors.append(item)
            case Record(table="positions"):
                _position(statement, item, terms, day)
            case Record():
                _transaction(statement, item, terms, account)
    return statement


def _position(statement: Statement, record: Record, terms: Terms, day: str) -> None:
    symbol = record.get("symbol")
    instrument = instrument_of(symbol, terms)
    if symbol.lower() in _TOTALS or symbol.lower() == _CASH or instrument.is_cash:
        statement.leave_out(record.number, "totals" if symbol.lower() in _TOTALS else "cash")
        return
    quantity = record.get("qty (quantity)", "quantity")
    statement.hold(
        record.number,
        instrument,
        quantity=quantity,
        cost=cost_per_share(record.get("cost basis"), quantity, instrument),
        market_price=record.get("price"),
        day=day,
        titles={
            Field.SYMBOL: record.title("symbol"),
            Field.QUANTITY: record.title("qty (quantity)", "quantity"),
            Field.ENTRY_PRICE: record.title("cost basis"),
        },
    )


def _transaction(statement: Statement, record: Record, terms: Terms, account: str) -> None:
    action, dates = record.get("action"), record.get("date")
    posted, _, effective = dates.partition(" as of ")
    instrument = instrument_of(record.get("symbol"), terms)
    meaning = ACTIONS.get(action.lower())
    day = iso_date(effective or posted, DATE)
    if dates.lower() in _TOTALS or instrument.is_cash:
        statement.leave_out(record.number, "cash" if instrument.is_cash else "totals")
    elif meaning is not None:
        _trade(statement, record, instrument, account=account, meaning=meaning, day=day)
    elif action.lower() == "expired" and instrument.multiplier != 1:
        side = Side.BUY if (number_or_none(record.get("quantity")) or 0) > 0 else Side.SELL
        _trade(statement, record, instrument, account=account, meaning=(side, Effect.CLOSES), day=day, price="0")
    elif action.lower() == "stock split" and as_date(posted, DATE) and number_or_none(record.get("quantity")):
        added = number_or_none(record.get("quantity")) or Decimal(0)
        split = Split(record.number, account, instrument.cells[Field.SYMBOL], iso_date(posted, DATE), added)
        statement.splits.append(split)
    elif record.get("quantity"):
        statement.refuse_action(record.number, action, record.title("action"))
    elif action.lower() in TRANSFERS | FEES:
        statement.flow(
            record.number,
            action,
            amount=record.get("amount"),
            day=day,
            is_fee=action.lower() in FEES,
            amount_title=record.title("amount"),
            day_title=record.title("date"),
        )
    else:
        statement.leave_out(record.number, action)


def _trade(
    statement: Statement,
    record: Record,
    instrument: Instrument,
    *,
    account: str,
    meaning: tuple[Side, Effect],
    day: str,
    price: str | None = None,
) -> None:
    side, effect = meaning
    quantity = record.get("quantity")
    statement.trade(
        record.number,
        instrument,
        side,
        effect=effect,
        quantity=quantity.removeprefix("-") if price is not None else quantity,
        price=record.get("price") if price is None else price,
        day=day,
        account=account,
        fee=commission(record.get("fees & comm")),
        titles={
            Field.SYMBOL: record.title("symbol"),
            Field.ENTRY_FEE: record.title("fees & comm"),
            Field.QUANTITY: record.title("quantity"),
            Field.ENTRY_PRICE: record.title("price"),
            Field.ENTRY_DATE: record.title("date"),
        },
    )


DIALECT = Dialect("schwab", "Charles Schwab", lambda source: source.has_table(POSITIONS, TRANSACTIONS), read)
