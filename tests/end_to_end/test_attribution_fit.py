"""How much of real books' P&L the factors explain, with the loadings that the night would have published before."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from analytics.evidence import Evidence
from analytics.ledger import Ledger, Lots, Splits
from analytics.measures.attribution import compute
from analytics.measures.attribution_question import AttributionParameters
from analytics.measures.attribution_result import Attribution
from analytics.past import Past, Snapshots
from riskstream.market.risk_factors import BENCHMARKS, risk_factor_returns
from symbol_batch.factors.risk_model import WINDOW, estimate_loadings
from yardstick import prices
from yardstick.books import SESSION, Lot, book_of, edition_of, planted_market

DAYS = 240
ANEW = 5
"""Sessions between two estimations, to save time."""
NAMES = 24
BOOKS = 40


@dataclass(frozen=True)
class Year:
    """Recorded: returns (T, S), factor returns (T, 8), and the loadings of each evening before (T, S, 8)."""

    symbols: list[str]
    sessions: NDArray[np.datetime64]
    returns: NDArray[np.float64]
    factor_returns: NDArray[np.float64]
    betas: NDArray[np.float64]


@pytest.fixture(scope="module")
def year() -> Year:
    recorded = prices.total_returns().loc[:SESSION].iloc[-(DAYS + WINDOW) :]
    symbols = [name for name in recorded if name not in BENCHMARKS and recorded[name].notna().all()]
    own, funds, days = recorded[symbols].to_numpy(), recorded[list(BENCHMARKS)].to_numpy(), list(recorded.index)
    betas = [
        estimate_loadings(own[n : n + WINDOW], funds[n : n + WINDOW], symbols, days[n : n + WINDOW]).betas
        for n in range(0, DAYS, ANEW)
    ]
    return Year(
        symbols=symbols,
        sessions=np.array(days[WINDOW - 1 :], dtype="datetime64[D]"),
        returns=own[WINDOW:],
        factor_returns=risk_factor_returns(funds[WINDOW:]),
        betas=np.repeat(np.stack(betas), ANEW, axis=0),
    )


@pytest.mark.parametrize(("signs", "least", "most"), [((1.0, 1.0), 0.7, 0.95), ((1.0, -1.0), -0.1, 0.4)])
def test_out_of_sample_the_factors_explain_most_of_long_books_and_little_of_long_short_ones(
    year: Year, signs: tuple[float, float], least: float, most: float
) -> None:
    """The ruling (`domain.md` §4): about .8 and .2. A single book over a few months may be far from either."""
    dice = np.random.default_rng(4)
    usd = 1_000.0 * np.tile(signs, NAMES // 2)
    found = [_held(year, dice.choice(len(year.symbols), NAMES, replace=False), usd) for _ in range(BOOKS)]
    assert all(one.closes_within is not None and one.closes_within <= 1e-6 for one in found)
    assert all(abs(one.unexplained_pnl or 0) <= 1e-6 for one in found)
    fits = [one.r_squared for one in found if one.r_squared is not None]
    print(f"R² of {len(fits)} books: median {np.median(fits):.2f}, from {min(fits):.2f} to {max(fits):.2f}")
    assert len(fits) == BOOKS
    assert least < float(np.median(fits)) < most


def _held(year: Year, chosen: NDArray[np.intp], usd: NDArray[np.float64]) -> Attribution:
    """Worth `usd` on the first evening, and held, at prices that are the growth of a dollar."""
    count = len(chosen)
    returns, sessions = year.returns[:, chosen], year.sessions
    closes = np.concatenate([np.ones((1, count)), np.cumprod(1 + returns, axis=0)])
    values = closes @ usd
    pnl = np.concatenate([[0.0], np.diff(values)])
    ledger = Ledger(
        sessions=sessions,
        evenings=np.arange(DAYS + 1),
        symbols=tuple(year.symbols[n] for n in chosen),
        lots=Lots(
            symbol=np.arange(count),
            quantity=usd,
            entry_date=np.full(count, sessions[0]),
            entry_price=np.ones(count),
            exit_date=np.full(count, np.datetime64("NaT"), dtype="datetime64[D]"),
            exit_price=np.full(count, np.nan),
            begins=np.full(count, sessions[0]),
        ),
        splits=Splits(np.array([], dtype=np.intp), np.array([], dtype="datetime64[D]"), np.array([])),
        closes=closes,
        returns=returns,
        factor_returns=year.factor_returns,
        betas=year.betas[:, chosen],
        assumed=np.zeros((DAYS, count), dtype=bool),
        loadings_session=sessions[:-1],
        fees=np.zeros(DAYS),
        gross=np.abs(closes[:-1] * usd).sum(axis=1),
        by_hand=(),
        newer=False,
    )
    snapshots = Snapshots(sessions, 50_000 + values, pnl, np.zeros(DAYS + 1), pnl)
    evidence = Evidence(book_of([Lot("SPY", 1.0)]), edition_of(planted_market([])), Past(snapshots, ledger=ledger))
    return compute(evidence, AttributionParameters(since=sessions[1].item())).result
