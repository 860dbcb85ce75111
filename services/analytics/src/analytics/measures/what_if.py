"""What every figure would be after some trades, and how far from what it is."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from analytics.book import Book
from analytics.evidence import Evidence
from analytics.hypothetical import ImpossibleTradeError, Trade, close_of, traded, trades_to
from analytics.measures import (
    concentration,
    factor_exposures,
    risk,
    sector_exposure,
    stress_test,
    var,
    volatility,
)
from analytics.measures.measure import AnyMeasure, Finding, Measure, Parameters, Result, UnanswerableError
from analytics.measures.stress_question import StressTestParameters
from analytics.past import Wanted
from riskstream.symbology import normalise


@dataclass(frozen=True)
class Compared:
    """A measure, how it is asked, and which parts of its answer are left aside: lists that trades reorder."""

    measure: AnyMeasure
    parameters: Parameters
    left_aside: tuple[str, ...] = ()

    def figures(self, evidence: Evidence) -> tuple[dict[str, float | None], float | None]:
        """Every number and null of the answer by its place, and the coverage."""
        finding = self.measure.compute(evidence, self.parameters)
        found: dict[str, float | None] = {}
        for name, value in vars(finding.result).items():
            if name not in self.left_aside:
                _put(value, name, found)
        return found, finding.coverage


COMPARED = (
    Compared(factor_exposures.MEASURE, factor_exposures.MEASURE.parameters(), ("excluded",)),
    Compared(risk.MEASURE, risk.RiskParameters(), ("excluded",)),
    Compared(var.MEASURE, var.MEASURE.parameters(), ("excluded",)),
    Compared(volatility.MEASURE, volatility.MEASURE.parameters(), ("excluded",)),
    Compared(concentration.MEASURE, concentration.MEASURE.parameters()),
    Compared(sector_exposure.MEASURE, sector_exposure.MEASURE.parameters()),
    Compared(replace(stress_test.MEASURE, compute=stress_test.totals), StressTestParameters(), ("excluded",)),
)
"""What needs nothing but holdings and the edition. What is made of the past stays as it is; diversification takes
longer than all of these together, and correlations are of symbols, not of what is held of them."""

MOST_TRADES = 1_000
LARGEST_QUANTITY = 1e15

Symbol = Annotated[str, StringConstraints(max_length=30), AfterValidator(normalise)]


class TradeWanted(Parameters):
    """A purchase, or with a negative quantity a sale, at the session's close."""

    symbol: Symbol = Field(examples=["AAPL"])
    quantity: float = Field(
        ge=-LARGEST_QUANTITY, le=LARGEST_QUANTITY, allow_inf_nan=False, description="Shares, signed.", examples=[-25]
    )


class WeightWanted(Parameters):
    """What a symbol's share of NAV is to be."""

    symbol: Symbol = Field(examples=["TLT"])
    weight: float = Field(
        ge=-100, le=100, allow_inf_nan=False, description="Signed market value over NAV.", examples=[0.2]
    )


class WhatIfParameters(Parameters):
    trades: tuple[TradeWanted, ...] = Field(default=(), max_length=MOST_TRADES)
    target_weights: tuple[WeightWanted, ...] = Field(default=(), max_length=MOST_TRADES)
    close_others: bool = Field(default=False, description="With target weights: sell what none is given for.")
    allow_short: bool = Field(default=False, description="Let a sale go beyond what is held.")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if bool(self.trades) == bool(self.target_weights):
            raise ValueError("give either trades or target_weights, at least one of them")
        named = [weight.symbol for weight in self.target_weights]
        if len(set(named)) < len(named):
            raise ValueError("target_weights names a symbol twice; give each one weight")
        return self


class MadeTrade(Result):
    """A trade as it was reckoned: USD at the price of a share; what a purchase costs is positive."""

    symbol: str
    quantity: float
    price: float
    value: float


@dataclass(slots=True)
class Difference:
    """A figure before and after; null where there is none, and then no change."""

    __pydantic_config__: ClassVar = Result.model_config
    measure: str
    figure: str
    """Its place in the measure's own answer: fields by name, entries of lists by what they are of."""
    before: float | None
    after: float | None
    change: float | None


class WhatIf(Result):
    """`figures` of the measures compared. NAV stays: trades are paid from cash, without costs."""

    trades: list[MadeTrade]
    cash_before: float
    cash_after: float
    nav: float
    figures: list[Difference]


def compute(evidence: Evidence, parameters: WhatIfParameters) -> Finding[WhatIf]:
    """Every figure of the measures compared, of the book as it is and as the trades would leave it.

    The figures after are those that the same measures give of a portfolio really changed that way. The coverage is that
    of the changed book's worst covered measure. What is made of the past (performance, attribution, replay) is not
    compared: trades of today do not change it. Nor are diversification and correlations: ask those of the portfolio.
    """
    book, edition = evidence.book, evidence.edition
    try:
        trades = _trades(evidence, parameters)
        after = traded(book, edition, trades, short=parameters.allow_short)
        made = [
            MadeTrade(
                symbol=trade.symbol,
                quantity=trade.quantity,
                price=close_of(trade.symbol, book, edition),
                value=trade.quantity * close_of(trade.symbol, book, edition),
            )
            for trade in trades
        ]
    except ImpossibleTradeError as error:
        raise UnanswerableError("trades" if parameters.trades else "target_weights", str(error)) from error
    figures: list[Difference] = []
    coverages: list[float] = []
    changed = Evidence(after, edition)
    for compared in COMPARED:
        was, _ = compared.figures(evidence)
        would_be, coverage = compared.figures(changed)
        figures += _differences(compared.measure.name, was, would_be)
        if coverage is not None:
            coverages.append(coverage)
    # Hundreds of figures, of results that were validated: once more would take as long as a measure.
    result = WhatIf.model_construct(
        trades=made,
        cash_before=book.snapshot.cash,
        cash_after=after.snapshot.cash,
        nav=book.snapshot.nav,
        figures=figures,
    )
    return Finding(result, min(coverages, default=None))


def wants(_: Book, parameters: WhatIfParameters) -> Wanted:
    traded_in = {trade.symbol for trade in parameters.trades}
    return Wanted(symbols=frozenset(traded_in | {weight.symbol for weight in parameters.target_weights}))


def _trades(evidence: Evidence, parameters: WhatIfParameters) -> list[Trade]:
    if parameters.trades:
        return [Trade(trade.symbol, trade.quantity) for trade in parameters.trades]
    weights = {weight.symbol: weight.weight for weight in parameters.target_weights}
    return trades_to(evidence.book, evidence.edition, weights, close_others=parameters.close_others)


def _differences(
    measure: str, before: Mapping[str, float | None], after: Mapping[str, float | None]
) -> Iterator[Difference]:
    for figure in dict.fromkeys((*before, *after)):
        one, other = before.get(figure), after.get(figure)
        if one is None and other is None:
            continue
        change = None if one is None or other is None else other - one
        yield Difference(measure, figure, one, other, change)


_NAMING = ("factor", "scenario", "sector", "symbol", "position_id", "confidence", "name")
"""The fields by which an entry of a list is known, whatever its place."""


def _put(value: Any, place: str, found: dict[str, float | None]) -> None:
    """Put the number or null, or every one in it, into `found`, by its place."""
    if isinstance(value, Result):
        inside: Iterable[tuple[Any, Any]] = vars(value).items()
    elif isinstance(value, list | tuple):
        inside = [(_name_of(entry, number), entry) for number, entry in enumerate(value)]
    else:
        if value is None or type(value) is float or type(value) is int:
            found[place] = value
        return
    for name, inner in inside:
        kind = type(inner)
        # By far the most: not worth a call each.
        if kind is float or kind is int or inner is None:
            found[f"{place}.{name}"] = inner
        elif kind is not str:
            _put(inner, f"{place}.{name}", found)


def _name_of(entry: Any, number: int) -> Any:
    if isinstance(entry, Result):
        fields = vars(entry)
        return next((fields[field] for field in _NAMING if field in fields), number)
    return number


MEASURE = Measure(
    name="what-if",
    summary="What every figure would be after trades",
    method="each measure's own, of the book before and after trades at the session's closes, without costs",
    parameters=WhatIfParameters,
    result=WhatIf,
    compute=compute,
    wants=wants,
    posted=True,
)
