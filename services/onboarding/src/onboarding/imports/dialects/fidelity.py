"""Fidelity: positions of all accounts in one table, and account history; disclaimers below both."""

import re

from onboarding.imports.commissions import commission
from onboarding.imports.dialects.dialect import Dialect, Source
from onboarding.imports.findings import Field, Finding
from onboarding.imports.instruments import cost_per_share, instrument_of
from onboarding.imports.sheet import Banner, Record
from onboarding.imports.spelling import iso_date, number_or_none
from onboarding.imports.statement import Effect, Side, Statement
from onboarding.imports.terms import Terms, day_of_file

POSITIONS = frozenset({"account number", "symbol", "quantity", "last price", "cost basis total"})
HISTORY = frozenset({"run date", "action", "symbol", "quantity"})

_TRANSFERS = (
    "CASH CONTRIBUTION",
    "CHECK PAID",
    "CHECK RECEIVED",
    "DEBIT CARD",
    "DIRECT DEBIT",
    "DIRECT DEPOSIT",
    "ELECTRONIC FUNDS TRANSFER",
    "TRANSFERRED FROM",
    "TRANSFERRED TO",
    "WIRE TRANSFER",
)
_FEES = ("ADVISOR FEE", "ADVISORY FEE", "FEE CHARGED", "SERVICE FEE")
"""Beginnings of the sentences of rows that move cash alone."""

_DOWNLOADED = re.compile(r"date downloaded\s+([A-Za-z]{3}-\d{1,2}-\d{4}|\d{1,2}/\d{1,2}/\d{4})", re.IGNORECASE)
_DATES = ("%m/%d/%Y", "%b-%d-%Y")
_PENDING = "pending activity"


def read(source: Source, terms: Terms) -> Statement:
    """Positions on the day of the download, which the footer says; history with its run dates."""
    statement = Statement()
    downloaded = _DOWNLOADED.search(source.text)
    day = day_of_file(terms, downloaded[1] if downloaded else "", *_DATES)
    for item in source.sheet.walk({"positions": POSITIONS, "history": HISTORY}):
        match item:
            case Banner():
                continue
            case Finding():
                statement.errors.append(item)
            case Record(table="positions"):
                _position(statement, item, terms, day)
            case Record():
                _transaction(statement, item, terms)
    return statement


def _position(statement: Statement, record: Record, terms: Terms, day: str) -> None:
    symbol = record.get("symbol")
    instrument = instrument_of(symbol, terms)
    if instrument.is_cash or symbol.lower() == _PENDING:
        statement.leave_out(record.number, "cash" if instrument.is_cash else _PENDING)
        return
    quantity = record.get("quantity")
    is_short = record.get("type").lower() == "short" and (number_or_none(quantity) or 0) > 0
    statement.hold(
        record.number,
        instrument,
        quantity=f"-{quantity}" if is_short else quantity,
        cost=cost_per_share(record.get("cost basis total"), quantity, instrument),
        market_price=record.get("last price"),
        day=day,
        titles={
            Field.SYMBOL: record.title("symbol"),
            Field.QUANTITY: record.title("quantity"),
            Field.ENTRY_PRICE: record.title("cost basis total"),
        },
    )


def _transaction(statement: Statement, record: Record, terms: Terms) -> None:
    action = record.get("action")
    instrument = instrument_of(record.get("symbol"), terms)
    meaning = _meaning(action.upper())
    if instrument.is_cash:
        statement.leave_out(record.number, "cash")
    elif meaning is not None:
        side, effect = meaning
        quantity = record.get("quantity")
        expired = action.upper().startswith("EXPIRED")
        if expired:
            side = Side.BUY if (number_or_none(quantity) or 0) > 0 else Side.SELL
        statement.trade(
            record.number,
            instrument,
            side,
            effect=effect,
            quantity=quantity,
            price="0" if expired else record.get("price"),
            day=iso_date(record.get("run date"), *_DATES),
            account=record.get("account number", "account"),
            currency=record.get("currency") or "USD",
            fee=commission(record.get("commission"), record.get("fees")),
            titles={
                Field.ENTRY_FEE: record.title("commission", "fees"),
                Field.SYMBOL: record.title("symbol"),
                Field.QUANTITY: record.title("quantity"),
                Field.ENTRY_PRICE: record.title("price"),
                Field.ENTRY_DATE: record.title("run date"),
                Field.CURRENCY: record.title("currency"),
            },
        )
    elif number_or_none(record.get("quantity")):
        statement.refuse_action(record.number, action, record.title("action"))
    elif action.upper().startswith(_TRANSFERS + _FEES):
        statement.flow(
            record.number,
            _kind(action),
            amount=record.get("amount"),
            day=iso_date(record.get("run date"), *_DATES),
            currency=record.get("currency") or "USD",
            is_fee=action.upper().startswith(_FEES),
            amount_title=record.title("amount"),
            day_title=record.title("run date"),
        )
    else:
        statement.leave_out(record.number, _kind(action))


def _meaning(action: str) -> tuple[Side, Effect] | None:
    """What a sentence such as `YOU SOLD OPENING TRANSACTION PUT (SPY) …` does."""
    if action.startswith("YOU BOUGHT"):
        closes = "CLOSING TRANSACTION" in action or "SHORT COVER" in action
        opens = "OPENING TRANSACTION" in action
        return Side.BUY, Effect.CLOSES if closes else Effect.OPENS if opens else Effect.UNSAID
    if action.startswith("YOU SOLD"):
        opens = "OPENING TRANSACTION" in action or "SHORT SALE" in action
        return Side.SELL, Effect.OPENS if opens else Effect.UNSAID
    if action.startswith("REINVESTMENT"):
        return Side.BUY, Effect.UNSAID
    if action.startswith("EXPIRED"):
        return Side.SELL, Effect.CLOSES
    return None


def _kind(action: str) -> str:
    """The first words of the sentence, which say what kind of row it is."""
    return " ".join(action.split()[:2])


DIALECT = Dialect("fidelity", "Fidelity", lambda source: source.has_table(POSITIONS, HISTORY), read)
