"""Vanguard: a table of positions, which knows no cost, a blank line, and a table of transactions."""

from onboarding.imports.commissions import commission
from onboarding.imports.dialects.dialect import Dialect, Source
from onboarding.imports.findings import Field, Finding
from onboarding.imports.instruments import instrument_of
from onboarding.imports.sheet import Banner, Record
from onboarding.imports.spelling import iso_date, number_or_none, unsigned
from onboarding.imports.statement import Effect, Side, Statement
from onboarding.imports.terms import Terms, day_of_file

_COMMISSIONS = ("commissions and fees", "commission fees")

POSITIONS = frozenset({"account number", "investment name", "symbol", "shares", "share price", "total value"})
TRANSACTIONS = frozenset({"account number", "trade date", "transaction type", "symbol", "shares", "share price"})

ACTIONS = {
    "buy": (Side.BUY, Effect.UNSAID),
    "reinvestment": (Side.BUY, Effect.UNSAID),
    "sell": (Side.SELL, Effect.UNSAID),
    "sell short": (Side.SELL, Effect.OPENS),
    "buy to cover": (Side.BUY, Effect.CLOSES),
    "buy to open": (Side.BUY, Effect.OPENS),
    "buy to close": (Side.BUY, Effect.CLOSES),
    "sell to open": (Side.SELL, Effect.OPENS),
    "sell to close": (Side.SELL, Effect.CLOSES),
}
_CASH = frozenset({"sweep in", "sweep out", "dividend", "capital gain (st)", "capital gain (lt)", "interest"})
_TRANSFERS = frozenset(
    {"contribution", "distribution", "funds paid", "funds received", "wire in", "wire out", "withdrawal"}
)
_FEES = frozenset({"account fee", "advisor fee", "advisory fee", "fee"})
_DATE = "%m/%d/%Y"


def read(source: Source, terms: Terms) -> Statement:
    """Positions at the file's prices, today unless the caller says another date; transactions by trade date."""
    statement = Statement()
    for item in source.sheet.walk({"positions": POSITIONS, "transactions": TRANSACTIONS}):
        match item:
            case Banner():
                continue
            case Finding():
                statement.errors.append(item)
            case Record(table="positions"):
                _position(statement, item, terms)
            case Record():
                _transaction(statement, item, terms)
    return statement


def _position(statement: Statement, record: Record, terms: Terms) -> None:
    instrument = instrument_of(record.get("symbol"), terms)
    if instrument.is_cash:
        statement.leave_out(record.number, "cash")
        return
    statement.hold(
        record.number,
        instrument,
        quantity=record.get("shares"),
        cost=None,
        market_price=record.get("share price"),
        day=day_of_file(terms),
        titles=_titles(record),
    )


def _transaction(statement: Statement, record: Record, terms: Terms) -> None:
    kind = record.get("transaction type")
    instrument = instrument_of(record.get("symbol"), terms)
    meaning = ACTIONS.get(kind.lower())
    if instrument.is_cash or kind.lower() in _CASH:
        statement.leave_out(record.number, "cash" if instrument.is_cash else kind)
    elif meaning is not None:
        side, effect = meaning
        statement.trade(
            record.number,
            instrument,
            side,
            effect=effect,
            quantity=record.get("shares"),
            price=record.get("share price"),
            day=iso_date(record.get("trade date"), _DATE),
            account=record.get("account number"),
            fee=commission(unsigned(record.get(*_COMMISSIONS))),
            titles=_titles(record)
            | {Field.ENTRY_DATE: record.title("trade date"), Field.ENTRY_FEE: record.title(*_COMMISSIONS)},
        )
    elif number_or_none(record.get("shares")):
        statement.refuse_action(record.number, kind, record.title("transaction type"))
    elif kind.lower() in _TRANSFERS | _FEES:
        statement.flow(
            record.number,
            kind,
            amount=record.get("net amount"),
            day=iso_date(record.get("trade date"), _DATE),
            is_fee=kind.lower() in _FEES,
            amount_title=record.title("net amount"),
            day_title=record.title("trade date"),
        )
    else:
        statement.leave_out(record.number, kind)


def _titles(record: Record) -> dict[Field, str | None]:
    return {
        Field.SYMBOL: record.title("symbol"),
        Field.QUANTITY: record.title("shares"),
        Field.ENTRY_PRICE: record.title("share price"),
    }


DIALECT = Dialect("vanguard", "Vanguard", lambda source: source.has_table(POSITIONS, TRANSACTIONS), read)
