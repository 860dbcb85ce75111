"""Interactive Brokers' activity statement and transaction history: many tables, told apart by the first column."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from onboarding.imports.commissions import commission
from onboarding.imports.dialects.dialect import Dialect, Source
from onboarding.imports.findings import Field, Finding
from onboarding.imports.instruments import Instrument, instrument_of
from onboarding.imports.sheet import Line, Record, record
from onboarding.imports.spelling import iso_date, number_or_none
from onboarding.imports.statement import Effect, Side, Statement
from onboarding.imports.terms import Terms, day_of_file

ASSETS = frozenset({"stocks", "equity and index options", "warrants", ""})
EXCHANGES = frozenset({"forex"})
DATES = ("%B %d, %Y", "%Y%m%d")

_FEES = "fees"
_CASH = frozenset({"deposits & withdrawals", _FEES})
_READ = _CASH | {"statement", "open positions", "trades", "summary", "transaction history"}
_COMMISSIONS = ("comm/fee", "comm in usd", "comm in usd/fee")

_OF_PRICE = Decimal("0.01")
"""By how much a price and its amount may differ before they are taken for amounts in two currencies."""


def read(source: Source, terms: Terms) -> Statement:
    """Open positions by lot where the statement lists lots; else trades; or the rows of a transaction history."""
    statement = Statement()
    records: dict[str, list[Record]] = {}
    for item in _sections(source.sheet.lines):
        if isinstance(item, Finding):
            statement.errors.append(item)
        else:
            records.setdefault(item.table, []).append(item)
    said = {entry.get("field name"): entry.get("field value") for entry in records.get("statement", [])}
    day = day_of_file(terms, (said.get("ToDate") or said.get("Period", "")).split(" - ")[-1], *DATES)
    _positions(statement, records.get("open positions", []), terms, day)
    _trades(statement, records.get("trades", []), terms)
    summary = {entry.get("field name"): entry.get("field value") for entry in records.get("summary", [])}
    for entry in records.get("transaction history", []):
        _history(statement, entry, terms, summary.get("Base Currency", ""))
    for name in _CASH & records.keys():
        for entry in records[name]:
            _cash(statement, entry, name)
    for name in sorted(records.keys() - _READ):
        for entry in records[name]:
            statement.leave_out(entry.number, name)
    return statement


def _sections(lines: Sequence[Line]) -> Iterator[Record | Finding]:
    """The data rows under the last header of their section. Sums are no data."""
    headers: dict[str, tuple[str, ...]] = {}
    for line in lines:
        if line.broken is not None:
            yield line.broken
        elif len(line.cells) > 2:
            section, kind = line.cells[0].lower(), line.cells[1].lower()
            if kind == "header":
                headers[section] = line.cells
            elif kind == "data" and section in headers:
                yield record(section, line, headers[section])


def _positions(statement: Statement, records: Sequence[Record], terms: Terms, day: str) -> None:
    in_lots = {entry.get("symbol") for entry in records if entry.get("datadiscriminator").lower() == "lot"}
    for entry in records:
        is_lot = entry.get("datadiscriminator").lower() == "lot"
        instrument = _instrument(entry, terms)
        if instrument is None or instrument.is_cash or (entry.get("symbol") in in_lots and not is_lot):
            statement.leave_out(entry.number, "sums of lots" if instrument else "currency exchanges")
            continue
        cost = entry.get("cost price")
        statement.hold(
            entry.number,
            instrument,
            quantity=entry.get("quantity"),
            cost=cost if number_or_none(cost) else None,
            market_price=entry.get("close price"),
            day=day,
            purchased=iso_date(entry.get("open")[:10]) if is_lot else "",
            currency=entry.get("currency"),
            titles=_titles(entry, "cost price"),
        )


def _trades(statement: Statement, records: Sequence[Record], terms: Terms) -> None:
    """Orders where the statement has them, for executions repeat them; lots that were closed never count."""
    kinds = {entry.get("datadiscriminator").lower() for entry in records}
    counted = "order" if "order" in kinds else "trade" if "trade" in kinds else "execution"
    for entry in records:
        instrument = _instrument(entry, terms)
        if entry.get("datadiscriminator").lower() != counted or instrument is None or instrument.is_cash:
            statement.leave_out(entry.number, "currency exchanges" if instrument is None else "repetitions of orders")
            continue
        day, _, time = entry.get("date/time").partition(",")
        codes = {code.strip().lower() for code in entry.get("code").split(";")}
        statement.trade(
            entry.number,
            instrument,
            Side.SELL if entry.get("quantity").startswith("-") else Side.BUY,
            effect=effect_of(codes),
            quantity=entry.get("quantity").removeprefix("-"),
            price=entry.get("t. price"),
            day=iso_date(day.strip()),
            time=time.strip(),
            account=entry.get("account"),
            currency=entry.get("currency"),
            fee=commission(entry.get(*_COMMISSIONS), paid_below_zero=True),
            titles=_titles(entry, "t. price")
            | {Field.ENTRY_DATE: entry.title("date/time"), Field.ENTRY_FEE: entry.title(*_COMMISSIONS)},
        )


def _cash(statement: Statement, entry: Record, section: str) -> None:
    """A row of a section of cash. Sums have no date."""
    day = entry.get("settle date", "date")
    if not day:
        statement.leave_out(entry.number, f"sums of {section}")
        return
    statement.flow(
        entry.number,
        section,
        amount=entry.get("amount"),
        day=iso_date(day),
        currency=entry.get("currency"),
        is_fee=section == _FEES,
        amount_title=entry.title("amount"),
        day_title=entry.title("settle date", "date"),
    )


def dashed(symbol: str) -> str:
    """Their `BRK B` as `BRK-B`."""
    return re.sub(r"^([A-Z]+) ([A-Z])$", r"\1-\2", symbol)


def effect_of(codes: set[str]) -> Effect:
    """What `O` and `C` among the codes of a trade say."""
    if {"o", "c"} <= codes:
        return Effect.TURNS
    return Effect.OPENS if "o" in codes else Effect.CLOSES if "c" in codes else Effect.UNSAID


def _instrument(entry: Record, terms: Terms) -> Instrument | None:
    """Null for an exchange of currencies."""
    asset = entry.get("asset category").lower()
    if asset in EXCHANGES:
        return None
    unsupported = "" if asset in ASSETS else entry.get("asset category")
    return instrument_of(dashed(entry.get("symbol")), terms, asset_class=unsupported, multiplier=entry.get("mult"))


def _history(statement: Statement, entry: Record, terms: Terms, base: str) -> None:
    """A row of the transaction history. Its amounts are in the base currency, which must be the price's too."""
    kind, price = entry.get("transaction type"), entry.get("price")
    side = {"buy": Side.BUY, "sell": Side.SELL}.get(kind.lower())
    if kind.lower() in {"deposit", "withdrawal", "other fee"}:
        statement.flow(
            entry.number,
            kind,
            amount=entry.get("net amount"),
            day=iso_date(entry.get("date")),
            currency=base,
            is_fee=kind.lower() == "other fee",
            amount_title=entry.title("net amount"),
            day_title=entry.title("date"),
        )
        return
    if side is None:
        statement.leave_out(entry.number, kind)
        return
    quantity = entry.get("quantity")
    found = _in_other_currency(quantity, price, entry.get("gross amount"))
    statement.trade(
        entry.number,
        instrument_of(dashed(entry.get("symbol")), terms),
        side,
        quantity=quantity,
        price=price,
        day=iso_date(entry.get("date")),
        account=entry.get("account"),
        currency=base,
        fee=commission(entry.get("commission"), paid_below_zero=True),
        found=() if base.upper() != "USD" else found,
        titles=_titles(entry, "price")
        | {
            Field.ENTRY_DATE: entry.title("date"),
            Field.ENTRY_FEE: entry.title("commission"),
            Field.CURRENCY: "Base Currency",
        },
    )


def _in_other_currency(quantity: str, price: str, amount: str) -> tuple[tuple[str, str, str], ...]:
    shares, each, gross = (number_or_none(text) for text in (quantity, price, amount))
    if shares is None or each is None or not gross or abs(abs(shares * each / gross) - 1) <= _OF_PRICE:
        return ()
    message = "Quantity times price is not the amount in USD: the price is in another currency, or per contract."
    return (("price_in_other_currency", message, price),)


def _titles(entry: Record, price: str) -> dict[Field, str | None]:
    return {
        Field.SYMBOL: entry.title("symbol"),
        Field.QUANTITY: entry.title("quantity"),
        Field.ENTRY_PRICE: entry.title(price),
        Field.CURRENCY: entry.title("currency"),
    }


def _recognises(source: Source) -> bool:
    sections = {"open positions", "trades", "statement", "transaction history"}
    return not source.is_xml and any(
        len(line.cells) > 2 and line.cells[0].lower() in sections and line.cells[1].lower() == "header"
        for line in source.sheet.lines
    )


DIALECT = Dialect("interactive_brokers", "Interactive Brokers, activity statement", _recognises, read)
