"""Yahoo's company profiles and statements: one request each, through the client's transport.

The client's own `info` and statement tables would take nine requests a company, and lose a whole table for one entry
that is null. So the same addresses are asked for directly, all modules and all items at once, and read leniently: what
is no number, text or date is left out with its reason, and the rest is used.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final, Literal, TypeAlias

from yfinance.data import YfData

from symbol_batch.providers.provider import Outcome, Profile, StatementLine, Unusable
from symbol_batch.providers.yahoo_client import REQUEST_TIMEOUT, YahooTicker

Statement: TypeAlias = Literal["income", "balance_sheet", "cash_flow"]
Frequency: TypeAlias = Literal["quarterly", "annual"]

SUMMARY: Final = "https://query2.finance.yahoo.com/v10/finance/quoteSummary/"
TIMESERIES: Final = "https://query2.finance.yahoo.com/ws/fundamentals-timeseries/v1/finance/timeseries/"
MODULES: Final = ("quoteType", "assetProfile", "price", "defaultKeyStatistics", "calendarEvents")
ITEMS: Final[dict[Statement, tuple[str, ...]]] = {
    "income": (
        "TotalRevenue", "CostOfRevenue", "GrossProfit", "OperatingExpense", "ResearchAndDevelopment",
        "SellingGeneralAndAdministration", "OperatingIncome", "InterestExpense", "PretaxIncome", "TaxProvision",
        "TaxRateForCalcs", "NetIncome", "NetIncomeCommonStockholders", "EBIT", "EBITDA", "BasicEPS", "DilutedEPS",
        "BasicAverageShares", "DilutedAverageShares",
    ),
    "balance_sheet": (
        "TotalAssets", "CurrentAssets", "CashAndCashEquivalents", "CashCashEquivalentsAndShortTermInvestments",
        "Receivables", "Inventory", "NetPPE", "Goodwill", "TotalLiabilitiesNetMinorityInterest", "CurrentLiabilities",
        "CurrentDebt", "LongTermDebt", "TotalDebt", "NetDebt", "StockholdersEquity", "CommonStockEquity",
        "MinorityInterest", "RetainedEarnings", "TangibleBookValue", "InvestedCapital", "WorkingCapital",
        "OrdinarySharesNumber",
    ),
    "cash_flow": (
        "OperatingCashFlow", "InvestingCashFlow", "FinancingCashFlow", "FreeCashFlow", "CapitalExpenditure",
        "DepreciationAndAmortization", "StockBasedCompensation", "ChangeInWorkingCapital", "CashDividendsPaid",
        "RepurchaseOfCapitalStock", "IssuanceOfDebt", "RepaymentOfDebt", "EndCashPosition",
    ),
}  # fmt: skip
"""In the client's words; so many that the address stays as short as the client's own for one statement."""
RATIOS: Final = frozenset({"TaxRateForCalcs", "BasicEPS", "DilutedEPS"})

_PLACES: dict[str, tuple[Statement, Frequency, str]] = {
    f"{frequency}{item}": (statement, frequency, item)
    for statement, items in ITEMS.items()
    for frequency in ("annual", "quarterly")
    for item in items
}
_SINCE, _UNTIL = 946_684_800, 4_102_444_800
"""2000 to 2100: every period that Yahoo has, four years or five quarters."""
_CLASSES = 100.0


class CompanyData(YfData):  # type: ignore[misc]  # yfinance has no types
    """The client's transport for what needs a cookie and a crumb. A singleton of its own, by the client's metaclass.

    The client forgets that it has the cookie unless it could write it to a file, and asks for it with every request.
    """

    _cookie: Any

    def _get_cookie_basic(self, timeout: float = 30) -> bool:
        if self._cookie is not None:
            return True
        found: bool = super()._get_cookie_basic(timeout)
        if found and self._cookie is None:
            self._cookie = True
        return found


@dataclass
class Read:
    """What an answer gave, and why the rest of it was left out."""

    left_out: list[str] = field(default_factory=list)

    @property
    def detail(self) -> str | None:
        """The reasons as one sentence; None where nothing was left out."""
        return f"left out: {'; '.join(self.left_out)}" if self.left_out else None


@dataclass
class ReadProfile(Read):
    """A profile and what of it made no sense."""

    profile: Profile = field(default_factory=lambda: Profile(kind="UNKNOWN"))


@dataclass
class ReadStatements(Read):
    """Lines of statements and what of them made no sense."""

    lines: tuple[StatementLine, ...] = ()


def read_profile(ticker: YahooTicker) -> ReadProfile:
    """The profile in one request. Unusable where the answer is another symbol's; raises what the client raises."""
    parameters = {"modules": ",".join(MODULES), "formatted": "false", "symbol": ticker.ticker}
    answer = _ask(ticker, SUMMARY, parameters)
    return profile_in(ticker.ticker, answer["quoteSummary"]["result"][0])


def read_statements(ticker: YahooTicker) -> ReadStatements:
    """The lines of all statements in one request. Unusable where there are none; raises what the client raises."""
    parameters = {"type": ",".join(_PLACES), "symbol": ticker.ticker, "period1": _SINCE, "period2": _UNTIL}
    answer = _ask(ticker, TIMESERIES, parameters)
    read = statements_in(answer["timeseries"]["result"])
    if not read.lines:
        raise Unusable(Outcome.STALE, read.detail or "the provider has no statement of it")
    return read


def profile_in(symbol: str, modules: dict[str, Any]) -> ReadProfile:
    """The profile in a result of quoteSummary, `modules` by name.

    Shares are those of all classes, counted in shares of this listing: Yahoo's market value over its price, where both
    agree with its count of this class's shares (the same or some times more); else that count. The next earnings date
    is the last day of the span that Yahoo expects it in.
    """
    read = ReadProfile()
    kinds, about, price, statistics, calendar = (_module(modules, name, read) for name in MODULES)
    answered = kinds.get("symbol")
    if isinstance(answered, str) and answered.upper() != symbol.upper():
        raise Unusable(Outcome.BAD_DATA, f"asked for {symbol} and answered for {answered}")
    kind = _text(kinds, "quoteType", read) or _text(price, "quoteType", read)
    if kind is None:
        read.left_out.append("quoteType is missing")
    read.profile = Profile(
        kind=kind or "UNKNOWN",
        name=_text(kinds, "longName", read) or _text(kinds, "shortName", read),
        sector=_text(about, "sector", read),
        industry=_text(about, "industry", read),
        country=_text(about, "country", read),
        currency=_text(price, "currency", read),
        shares_outstanding=_shares(statistics, price, read),
        trailing_eps=_number(statistics, "trailingEps", read),
        next_earnings=_next_earnings(calendar, read),
    )
    return read


def statements_in(series: list[Any]) -> ReadStatements:
    """The lines in the result of a timeseries answer: a list of series, each with its name as a key."""
    read = ReadStatements()
    read.lines = tuple(line for one in series for line in _lines(one, read))
    return read


def _ask(ticker: YahooTicker, address: str, parameters: dict[str, Any]) -> Any:
    """The answer as JSON, NaN and Infinity let through: one bare word would otherwise lose the whole answer."""
    response = CompanyData(session=ticker.session).get(
        f"{address}{ticker.ticker}", params=parameters, timeout=REQUEST_TIMEOUT
    )
    response.raise_for_status()
    return json.loads(response.text)


def _module(modules: dict[str, Any], name: str, read: Read) -> dict[str, Any]:
    module = modules.get(name)
    if module is None:
        return {}
    if not isinstance(module, dict):
        read.left_out.append(f"{name} is {_shown(module)}, no module")
        return {}
    return module


def _shares(statistics: dict[str, Any], price: dict[str, Any], read: Read) -> float | None:
    own = _number(statistics, "sharesOutstanding", read)
    value, each = _number(price, "marketCap", read), _number(price, "regularMarketPrice", read)
    if not own or not value or not each:
        return own
    all_classes = value / each
    return all_classes if 0.9 <= all_classes / own <= _CLASSES else own


def _next_earnings(calendar: dict[str, Any], read: Read) -> date | None:
    earnings = calendar.get("earnings") or {}
    days = earnings.get("earningsDate") if isinstance(earnings, dict) else earnings
    found = []
    for day in days if isinstance(days, list) else [days]:
        seconds = _number({"earningsDate": day}, "earningsDate", read)
        if seconds is None:
            continue
        try:
            found.append(datetime.fromtimestamp(seconds, UTC).date())
        except (ValueError, OverflowError, OSError):
            read.left_out.append(f"earningsDate is {_shown(day)}, no day")
    return max(found, default=None)


def _lines(series: Any, read: Read) -> Iterator[StatementLine]:
    for name in series if isinstance(series, dict) else ():
        if name not in _PLACES:
            continue
        points = series[name]
        for point in points if isinstance(points, list) else ():
            line = _line(name, point, read)
            if line is not None:
                yield line


def _line(name: str, point: Any, read: Read) -> StatementLine | None:
    if not isinstance(point, dict):
        return None
    figure = _number({name: point.get("reportedValue")}, name, read)
    if figure is None:
        return None
    try:
        period_end = date.fromisoformat(point["asOfDate"])
    except (KeyError, TypeError, ValueError):
        read.left_out.append(f"{name} is of {_shown(point.get('asOfDate'))}, no day")
        return None
    statement, frequency, item = _PLACES[name]
    return StatementLine(
        statement=statement,
        frequency=frequency,
        period_end=period_end,
        item=item,
        figure=figure,
        unit="ratio" if item in RATIOS else "amount",
        currency=_text(point, "currencyCode", read),
    )


def _number(values: dict[str, Any], name: str, read: Read) -> float | None:
    """A number, bare or as {"raw": number}; infinite and NaN ones too: what is plausible is judged where it is used."""
    value = values.get(name)
    if isinstance(value, dict):
        value = value.get("raw")
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            pass
    read.left_out.append(f"{name} is {_shown(value)}, no number")
    return None


def _text(values: dict[str, Any], name: str, read: Read) -> str | None:
    value = values.get(name)
    if value is None or isinstance(value, str):
        return value or None
    read.left_out.append(f"{name} is {_shown(value)}, no text")
    return None


def _shown(value: Any) -> str:
    shown = repr(value) if not isinstance(value, int) or abs(value) < 10**30 else "an integer of more than 30 digits"
    return shown if len(shown) <= 40 else f"{shown[:40]}..."
