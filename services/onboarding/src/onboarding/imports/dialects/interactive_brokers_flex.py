"""Interactive Brokers' Flex queries as CSV, and what XML has in common with it: a row a trade, columns by choice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from onboarding.imports.commissions import commission
from onboarding.imports.dialects.dialect import Dialect, Source
from onboarding.imports.dialects.interactive_brokers import dashed, effect_of
from onboarding.imports.findings import Field, Finding
from onboarding.imports.instruments import Instrument, instrument_of
from onboarding.imports.sheet import Banner, Record
from onboarding.imports.spelling import as_date, iso_date, number_or_none, price_per_share
from onboarding.imports.statement import Side, Statement
from onboarding.imports.terms import Terms, day_of_file

TRADES = (
    frozenset({"buy/sell", "quantity", "tradeprice"}),
    frozenset({"buy/sell", "quantity", "price", "tradedate"}),
)
POSITIONS = (frozenset({"quantity", "markprice", "reportdate"}), frozenset({"position", "markprice"}))
CASH = frozenset({"type", "settledate", "amount", "currencyprimary"})

_TRANSFERS = frozenset({"deposits/withdrawals", "deposits & withdrawals"})
_FEES = frozenset({"other fees", "broker fees", "advisor fees"})
_DATE = "%Y%m%d"
_ASSETS = frozenset({"", "STK", "OPT", "FUND", "WAR"})


@dataclass(frozen=True, slots=True)
class FlexRow:
    """A row or an element: its place, its texts by name, and how the file spells the names."""

    place: int
    texts: Mapping[str, str]
    titles: Mapping[str, str]

    def get(self, *names: str) -> str:
        return next((self.texts[name] for name in names if self.texts.get(name)), "")

    def title(self, *names: str) -> str | None:
        return next((self.titles[name] for name in names if name in self.titles), None)


def flex_row(place: int, texts: Mapping[str, str]) -> FlexRow:
    """The texts under one spelling for CSV and XML: `Buy/Sell` and `buySell` are both `buysell`."""
    names = {title: "".join(filter(str.isalnum, title.lower())) for title in texts}
    return FlexRow(place, {names[title]: text for title, text in texts.items()}, {n: t for t, n in names.items()})


def read(source: Source, terms: Terms) -> Statement:
    statement = Statement()
    tables = {f"trades {n}": columns for n, columns in enumerate(TRADES)}
    tables |= {f"positions {n}": columns for n, columns in enumerate(POSITIONS)} | {"cash": CASH}
    rows: dict[str, list[FlexRow]] = {"trades": [], "positions": [], "cash": []}
    for item in source.sheet.walk(tables):
        match item:
            case Banner():
                continue
            case Finding():
                statement.errors.append(item)
            case Record():
                row = flex_row(item.number, {item.titles[name]: text for name, text in item.cells.items()})
                rows[item.table.split()[0]].append(row)
    hold_positions(statement, rows["positions"], terms)
    enter_trades(statement, rows["trades"], terms)
    move_cash(statement, rows["cash"])
    return statement


def hold_positions(statement: Statement, rows: Sequence[FlexRow], terms: Terms) -> None:
    """Lots where the file has them, with their days of purchase; else sums."""
    in_lots = {_held(row) for row in rows if row.get("levelofdetail").upper() == "LOT"}
    for row in rows:
        is_lot = row.get("levelofdetail").upper() == "LOT"
        instrument = _instrument(row, terms)
        if row.get("assetclass", "assetcategory").upper() == "CASH" or instrument.is_cash:
            statement.leave_out(row.place, "cash")
            continue
        if _held(row) in in_lots and not is_lot:
            statement.leave_out(row.place, "sums of lots")
            continue
        quantity = row.get("position", "quantity")
        each = row.get("costbasisprice", "openprice")
        cost = each if number_or_none(each) else None
        if cost is None:
            cost = price_per_share(row.get("costbasismoney"), quantity, instrument.multiplier)
        market = (
            row.get("markprice") or price_per_share(row.get("positionvalue"), quantity, instrument.multiplier) or ""
        )
        reported = row.get("reportdate")
        opened = as_date(row.get("opendatetime")[:8], _DATE) or as_date(row.get("opendatetime"))
        side = row.get("side").lower()
        statement.hold(
            row.place,
            instrument,
            quantity=f"-{quantity}" if side == "short" and not quantity.startswith("-") else quantity,
            cost=cost,
            market_price=market or "",
            day=day_of_file(terms, reported, _DATE),
            purchased=opened.isoformat() if opened else "",
            currency=row.get("currency", "currencyprimary"),
            titles=_titles(row, "costbasisprice", "costbasismoney", "markprice"),
        )


def enter_trades(statement: Statement, rows: Sequence[FlexRow], terms: Terms) -> None:
    """Executions where the file has them, for orders repeat them."""
    levels = {row.get("levelofdetail").upper() for row in rows}
    counted = {"", "EXECUTION"} if levels & {"", "EXECUTION"} else {"ORDER"}
    for row in rows:
        instrument = _instrument(row, terms)
        if row.get("levelofdetail").upper() not in counted:
            statement.leave_out(row.place, "repetitions of trades")
        elif row.get("assetclass", "assetcategory").upper() == "CASH" or instrument.is_cash:
            statement.leave_out(row.place, "currency exchanges")
        elif not row.get("buysell").upper().startswith(("BUY", "SELL")) or "(CA" in row.get("buysell").upper():
            statement.refuse_action(row.place, row.get("buysell"), row.title("buysell"))
        else:
            stamp = row.get("datetime")
            day = row.get("tradedate") or stamp
            codes = set(row.get("opencloseindicator").lower().replace("/", ";").split(";"))
            statement.trade(
                row.place,
                instrument,
                Side.SELL if row.get("buysell").upper().startswith("SELL") else Side.BUY,
                effect=effect_of(codes),
                quantity=row.get("quantity"),
                price=row.get("tradeprice", "price"),
                day=iso_date(day[:8], _DATE) if day[:8].isdigit() else iso_date(day),
                time=stamp[8:].strip(" ;,T"),
                account=row.get("accountid", "clientaccountid"),
                currency=row.get("currency", "currencyprimary"),
                fee=commission(row.get("ibcommission", "commission"), paid_below_zero=True),
                fee_currency=row.get("ibcommissioncurrency") or row.get("currency", "currencyprimary"),
                transaction=row.get("tradeid", "transactionid", "ibexecid"),
                titles=_titles(row, "tradeprice", "price")
                | {
                    Field.ENTRY_DATE: row.title("tradedate", "datetime"),
                    Field.ENTRY_FEE: row.title("ibcommission", "commission"),
                },
            )


def move_cash(statement: Statement, rows: Sequence[FlexRow]) -> None:
    """Deposits, withdrawals and fees, one by one where the file lists them so; dividends and the like are left out."""
    levels = {row.get("levelofdetail").upper() for row in rows}
    for row in rows:
        kind = row.get("type")
        if kind.lower() not in _TRANSFERS | _FEES:
            statement.leave_out(row.place, kind)
        elif row.get("levelofdetail").upper() == "SUMMARY" and "DETAIL" in levels:
            statement.leave_out(row.place, f"sums of {kind}")
        else:
            day = row.get("settledate", "date", "datetime", "reportdate")
            statement.flow(
                row.place,
                kind,
                amount=row.get("amount"),
                day=iso_date(day[:8], _DATE) if day[:8].isdigit() else iso_date(day),
                currency=row.get("currency", "currencyprimary"),
                is_fee=kind.lower() in _FEES,
                amount_title=row.title("amount"),
                day_title=row.title("settledate", "date", "datetime", "reportdate"),
            )


def _held(row: FlexRow) -> tuple[str, str]:
    return row.get("accountid", "clientaccountid"), row.get("symbol", "isin")


def _instrument(row: FlexRow, terms: Terms) -> Instrument:
    asset = row.get("assetclass", "assetcategory").upper()
    return instrument_of(
        dashed(row.get("symbol")),
        terms,
        isin=row.get("isin"),
        asset_class="" if asset in _ASSETS else asset,
        multiplier=row.get("multiplier"),
    )


def _titles(row: FlexRow, *prices: str) -> dict[Field, str | None]:
    return {
        Field.SYMBOL: row.title("symbol", "isin"),
        Field.QUANTITY: row.title("position", "quantity"),
        Field.ENTRY_PRICE: row.title(*prices),
        Field.CURRENCY: row.title("currency", "currencyprimary"),
    }


DIALECT = Dialect(
    "interactive_brokers_flex",
    "Interactive Brokers, Flex query (CSV)",
    lambda source: source.has_table(*TRADES, *POSITIONS, CASH),
    read,
)
