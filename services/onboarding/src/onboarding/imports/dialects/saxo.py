"""Saxo: transactions; a trade is a sentence such as `Buy 3 @ 134.85 USD`, in English or Dutch."""

import re

from onboarding.imports.dialects.dialect import Dialect, Source, read_table
from onboarding.imports.findings import Field, Finding
from onboarding.imports.instruments import instrument_of
from onboarding.imports.sheet import Record
from onboarding.imports.spelling import iso_date, number_or_none, plain_number
from onboarding.imports.statement import Side, Statement
from onboarding.imports.terms import Terms

TRANSACTIONS = frozenset({"client id", "trade date", "type", "instrument symbol", "event", "amount"})
UNITED_STATES = frozenset({"xnas", "xnys", "arcx", "xase", "bats", ""})

_EVENT = re.compile(r"(buy|sell|koop|verkoop)\s+([-\d.,]+)\s+@\s+([-\d.,]+)\s+([a-z]{3})", re.IGNORECASE)
_SIDES = {"buy": Side.BUY, "koop": Side.BUY, "sell": Side.SELL, "verkoop": Side.SELL}
_TRADE = frozenset({"trade", "transactie"})
_TRANSFERS = frozenset({"deposit", "withdrawal"})
_FEES = frozenset({"custody fee"})
_DATE = "%d-%b-%Y"


def read(source: Source, terms: Terms) -> Statement:
    return read_table(source, TRANSACTIONS, terms, _row)


def _row(statement: Statement, record: Record, terms: Terms) -> None:
    kind, event = record.get("type"), record.get("event")
    if event.lower() in _TRANSFERS | _FEES:
        # The amount is in the account's currency; at the rate 1 that is the row's.
        rate = number_or_none(plain_number(record.get("conversion rate")))
        statement.flow(
            record.number,
            event,
            amount=plain_number(record.get("amount")),
            day=iso_date(record.get("trade date"), _DATE),
            currency=record.get("instrument currency") if rate == 1 else "another currency",
            is_fee=event.lower() in _FEES,
            amount_title=record.title("amount"),
            day_title=record.title("trade date"),
        )
        return
    if kind.lower() not in _TRADE:
        statement.leave_out(record.number, kind)
        return
    found = _EVENT.fullmatch(event)
    if found is None:
        statement.refuse_action(record.number, event, record.title("event"))
        return
    ticker, _, exchange = record.get("instrument symbol").partition(":")
    isin = record.get("instrument isin")
    if exchange.lower() not in UNITED_STATES and found[4].upper() == "USD" and isin.upper() not in terms.isins:
        message = f"This was traded on {exchange}, in USD; it is entered as {ticker}."
        title = record.title("instrument symbol")
        statement.warnings.append(Finding(record.number, Field.SYMBOL, "listed_elsewhere", message, ticker, title))
    statement.trade(
        record.number,
        instrument_of(ticker, terms, isin=isin),
        _SIDES[found[1].lower()],
        quantity=plain_number(found[2]),
        price=plain_number(found[3]),
        day=iso_date(record.get("trade date"), _DATE),
        account=record.get("client id"),
        currency=found[4],
        titles={
            Field.SYMBOL: record.title("instrument symbol"),
            Field.QUANTITY: record.title("event"),
            Field.ENTRY_PRICE: record.title("event"),
            Field.ENTRY_DATE: record.title("trade date"),
            Field.CURRENCY: record.title("event"),
        },
    )


DIALECT = Dialect("saxo", "Saxo", lambda source: source.has_table(TRANSACTIONS), read)
