"""eToro: account activity in USD; a row names `AMD/USD` and the amount, the price is amount by units."""

from onboarding.imports.dialects.dialect import Dialect, Source, read_table
from onboarding.imports.findings import Field
from onboarding.imports.instruments import instrument_of
from onboarding.imports.sheet import Record
from onboarding.imports.spelling import iso_date, plain_number, price_per_share
from onboarding.imports.statement import Side, Statement
from onboarding.imports.terms import Terms

ACTIVITY = frozenset({"date", "type", "details", "amount", "units", "position id", "asset type"})

_SIDES = {"open position": Side.BUY, "position closed": Side.SELL}
_TRANSFERS = frozenset({"deposit", "withdraw request"})
_FEES = frozenset({"withdraw fee", "withdrawal conversion fee"})
_SHARES_MOVE = frozenset({"corp action: split", "transfer of stocks"})
_SHARES = frozenset({"stocks", "etf"})


def read(source: Source, terms: Terms) -> Statement:
    """Shares and ETFs that were bought; contracts for difference are none."""
    return read_table(source, ACTIVITY, terms, _row)


def _row(statement: Statement, record: Record, terms: Terms) -> None:
    kind = record.get("type")
    side = _SIDES.get(kind.lower())
    if kind.lower() in _TRANSFERS | _FEES:
        statement.flow(
            record.number,
            kind,
            amount=plain_number(record.get("amount")),
            day=iso_date(record.get("date").partition(" ")[0], "%d/%m/%Y"),
            is_fee=kind.lower() in _FEES,
            amount_title=record.title("amount"),
            day_title=record.title("date"),
        )
        return
    if side is None:
        if kind.lower() in _SHARES_MOVE:
            statement.refuse_action(record.number, kind, record.title("type"))
        else:
            statement.leave_out(record.number, kind)
        return
    ticker, _, currency = record.get("details").rpartition("/")
    asset = record.get("asset type")
    day, _, time = record.get("date").partition(" ")
    units, amount = plain_number(record.get("units")), plain_number(record.get("amount"))
    statement.trade(
        record.number,
        instrument_of(ticker, terms, asset_class="" if asset.lower() in _SHARES else asset or "no asset type"),
        side,
        quantity=units,
        price=price_per_share(amount, units) or amount,
        day=iso_date(day, "%d/%m/%Y"),
        time=time,
        currency=currency,
        titles={
            Field.SYMBOL: record.title("details"),
            Field.QUANTITY: record.title("units"),
            Field.ENTRY_PRICE: record.title("amount"),
            Field.ENTRY_DATE: record.title("date"),
            Field.CURRENCY: record.title("details"),
        },
    )


DIALECT = Dialect("etoro", "eToro", lambda source: source.has_table(ACTIVITY), read)
