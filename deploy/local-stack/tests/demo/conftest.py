"""What the API says of portfolios made by hand: the measures' own results, as they go over the wire."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from analytics.book import Book
from analytics.edition import Edition
from analytics.evidence import Evidence
from analytics.measures import MEASURES
from analytics.past import Past
from local_stack.demo.story import NIGHTS, Told
from yardstick.books import SESSION, Lot, book_of, edition_of, planted_market
from yardstick.kept_ledger import past_of
from yardstick.ledger import Lot as Bought
from yardstick.ledger import Tape

Ask = Callable[..., dict[str, Any]]

OWN = ("AAA", "BBB", "CCC")
DAYS = [date(2024, 12, day) for day in (12, 13, 16)]


def answer(measure: str, book: Book, edition: Edition, past: Past | None = None, **asked: Any) -> dict[str, Any]:
    """As an answer's body, of what the demo reads of it."""
    one = MEASURES[measure]
    evidence = Evidence(book, edition) if past is None else Evidence(book, edition, past)
    found = one.compute(evidence, one.parameters(**asked))
    return {
        "as_of": str(book.session),
        "valuation": book.valuation,
        "edition": book.edition,
        "coverage": found.coverage,
        "method": one.method,
        "data": found.result.model_dump(mode="json"),
    }


def past_holding(symbols: tuple[str, ...]) -> Past:
    """Three sessions of one lot of each, bought on the first: up, then down."""
    lots = [Bought(symbol, Decimal(10), Decimal(100), DAYS[0]) for symbol in symbols]
    closes = dict(zip(DAYS, (Decimal(100), Decimal(102), Decimal(101)), strict=True))
    tape = Tape(DAYS, dict.fromkeys(symbols, closes))
    return past_of(lots, tape, DAYS[0])


@pytest.fixture
def edition() -> Edition:
    return edition_of(planted_market(OWN), sectors={"AAA": "Energy"})


@pytest.fixture
def book() -> Book:
    return book_of([Lot("AAA", 60_000.0, sector="Energy"), Lot("BBB", -20_000.0), Lot("CCC", 30_000.0)], cash=30_000.0)


@pytest.fixture
def ask() -> Ask:
    return answer


@pytest.fixture
def tell() -> Callable[[Book, Edition], Told]:
    """All that the demo asks of its portfolio, asked of this one; sells the first position in the what-if."""

    def told(book: Book, edition: Edition) -> Told:
        past = past_holding(tuple(position.symbol for position in book.positions) or OWN)
        sold = {"symbol": "SPY", "quantity": 1.0}
        return Told(
            overviews={NIGHTS[0]: answer("overview", book, edition)},
            answers={
                "factor-exposures": answer("factor-exposures", book, edition),
                "risk": answer("risk", book, edition),
                "var": answer("var", book, edition),
                "stress-test": answer("stress-test", book, edition),
                "attribution": answer("attribution", book, edition, past),
                "what-if": answer("what-if", book, edition, trades=[sold]),
            },
            truth={symbol: {"market_beta": 1.25} for symbol in OWN},
            truth_of_returns={
                "benchmarks": ["SPY"],
                "covariance": [[0.0001]],
                "loadings": {symbol: [1.0] for symbol in OWN},
                "specific": dict.fromkeys(OWN, 0.01),
            },
        )

    assert DAYS[-1] == SESSION
    return told
