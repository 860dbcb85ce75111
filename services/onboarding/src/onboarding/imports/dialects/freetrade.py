"""Freetrade: activity feed; the price counts in the instrument's currency, not in the account's."""

from onboarding.imports.dialects.dialect import Dialect, Source, read_table
from onboarding.imports.findings import Field
from onboarding.imports.instruments import instrument_of
from onboarding.imports.sheet import Record
from onboarding.imports.spelling import iso_date, unsigned
from onboarding.imports.statement import Side, Statement
from onboarding.imports.terms import Terms

FEED = frozenset(
    {"title", "type", "timestamp", "buy / sell", "ticker", "isin", "instrument currency", "price per share"}
)

_ORDERS = frozenset({"ORDER", "FREESHARE_ORDER"})
_SHARES_MOVE = frozenset({"STOCK_SPLIT", "SPLIT", "SPIN_OFF", "TRANSFER", "MERGER"})


def read(source: Source, terms: Terms) -> Statement:
    return read_table(source, FEED, terms, _row)


def _row(statement: Statement, record: Record, terms: Terms) -> None:
    kind, side = record.get("type"), record.get("buy / sell").upper()
    if kind in {"TOP_UP", "WITHDRAWAL"}:
        amount = record.get("total amount")
        statement.flow(
            record.number,
            kind,
            amount=f"-{unsigned(amount)}" if kind == "WITHDRAWAL" else amount,
            day=iso_date(record.get("timestamp")),
            currency=record.get("account currency"),
            amount_title=record.title("total amount"),
            day_title=record.title("timestamp"),
        )
        return
    if kind not in _ORDERS:
        if kind in _SHARES_MOVE:
            statement.refuse_action(record.number, kind, record.title("type"))
        else:
            statement.leave_out(record.number, kind)
        return
    stamp = record.get("timestamp")
    statement.trade(
        record.number,
        instrument_of(record.get("ticker"), terms, isin=record.get("isin")),
        Side.SELL if side == "SELL" else Side.BUY,
        quantity=record.get("quantity"),
        price=record.get("price per share"),
        day=iso_date(stamp),
        time=stamp[10:].strip("TZ"),
        currency=record.get("instrument currency"),
        transaction=record.get("order id"),
        titles={
            Field.SYMBOL: record.title("ticker"),
            Field.QUANTITY: record.title("quantity"),
            Field.ENTRY_PRICE: record.title("price per share"),
            Field.ENTRY_DATE: record.title("timestamp"),
            Field.CURRENCY: record.title("instrument currency"),
        },
    )


DIALECT = Dialect("freetrade", "Freetrade", lambda source: source.has_table(FEED), read)
