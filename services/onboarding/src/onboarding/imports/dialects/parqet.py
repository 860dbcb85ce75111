"""Parqet: activities between semicolons, with decimal commas, ISINs and no tickers."""

from onboarding.imports.commissions import commission
from onboarding.imports.dialects.dialect import Dialect, Source, read_table
from onboarding.imports.findings import Field
from onboarding.imports.instruments import instrument_of
from onboarding.imports.sheet import Record
from onboarding.imports.spelling import iso_date, plain_number
from onboarding.imports.statement import Side, Statement
from onboarding.imports.terms import Terms

ACTIVITIES = frozenset({"datetime", "price", "shares", "amount", "type", "assettype", "identifier", "currency"})

_SIDES = {"buy": Side.BUY, "sell": Side.SELL}
_SHARES_MOVE = frozenset({"transferin", "transferout", "split", "spinoff"})


def read(source: Source, terms: Terms) -> Statement:
    return read_table(source, ACTIVITIES, terms, _row)


def _row(statement: Statement, record: Record, terms: Terms) -> None:
    kind, stamp = record.get("type"), record.get("datetime")
    side = _SIDES.get(kind.lower())
    if side is None:
        if kind.lower() in _SHARES_MOVE:
            statement.refuse_action(record.number, kind, record.title("type"))
        else:
            statement.leave_out(record.number, kind)
        return
    asset = record.get("assettype")
    statement.trade(
        record.number,
        instrument_of(
            record.get("identifier"),
            terms,
            isin=record.get("identifier"),
            asset_class="" if asset.lower() == "security" else asset,
        ),
        side,
        quantity=plain_number(record.get("shares"), decimal_comma=True),
        price=plain_number(record.get("price"), decimal_comma=True),
        day=iso_date(stamp),
        time=stamp[10:].strip("TZ"),
        account=record.get("holding"),
        currency=record.get("currency"),
        fee=commission(record.get("fee"), decimal_comma=True),
        titles={
            Field.ENTRY_FEE: record.title("fee"),
            Field.SYMBOL: record.title("identifier"),
            Field.QUANTITY: record.title("shares"),
            Field.ENTRY_PRICE: record.title("price"),
            Field.ENTRY_DATE: record.title("datetime"),
            Field.CURRENCY: record.title("currency"),
        },
    )


DIALECT = Dialect("parqet", "Parqet", lambda source: source.has_table(ACTIVITIES), read)
