"""Risk, value at risk and performance beside libraries that do the same work, giving the same numbers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from analytics.as_held import as_held, held_pnl
from analytics.book import Book
from analytics.book_risk import book_risk, loadings_of
from analytics.edition import RETURN_SESSIONS, Edition
from analytics.holdings import Holdings, holdings_of
from analytics.risk_model import RISK_FACTOR_NAMES
from analytics.tail import tail_of
from analytics.track_record import drawdown_of, growth_of, line_through, sharpe_of, sortino_of
from benchmarks.bench import Bench
from benchmarks.figure import Figure
from benchmarks.market import Market
from benchmarks.measuring import median, timed
from forecast_check.recorded import Recorded
from riskstream.market.arrays import Floats
from riskstream.market.returns import total_returns
from yardstick.books import Lot, book_of

INSTALL = "pip install --no-deps --require-hashes -r requirements-bench.lock"
SESSIONS = 252
PERFORMANCE_SESSIONS = 1_260
LEVELS = (95, 99)
TOLERANCE = 1e-9
"""Relative: two ways of the same arithmetic in double precision."""


def measure(bench: Bench) -> Iterator[Figure]:
    peers = _peers()
    with bench.narrator.step("a book of every symbol, and its edition"):
        held = Held.of_market(bench.size(5_000, 500))
    runs = bench.size(21, 5)
    with bench.narrator.step("risk: ours and skfolio"):
        yield risk_beside_skfolio(held, runs, bench.size(5, 3))
    with bench.narrator.step("historical VaR and ES: ours, pandas and empyrical"):
        yield tails_beside_pandas(held, runs)
        pnl = as_held(held_pnl(held.holdings, held.edition), SESSIONS).pnl
        yield _beside(
            f"ES at 95 and 99 % of {SESSIONS} daily results",
            _Side("ours", partial(_shortfalls, pnl), 20 * runs),
            _Side("empyrical-reloaded", partial(_empyrical_shortfalls, peers, pnl), 20 * runs),
            "its VaR lies between two losses: not compared; ours gives VaR, intervals and standard errors too",
        )
    dice = np.random.default_rng(7)
    theirs = dice.normal(0.0004, 0.01, PERFORMANCE_SESSIONS)
    own = 0.9 * theirs + dice.normal(0.0002, 0.006, PERFORMANCE_SESSIONS)
    with bench.narrator.step("performance: ours and empyrical"):
        yield _beside(
            f"Sharpe, Sortino, drawdown and beta of {PERFORMANCE_SESSIONS:,} sessions",
            _Side("ours", partial(_performance, own, theirs), 20 * runs),
            _Side("empyrical-reloaded", partial(_empyrical_performance, peers, own, theirs), 20 * runs),
            "ours gives standard errors, and when it fell and recovered, as well",
        )


@dataclass(frozen=True)
class Held:
    """A book of every symbol of a market, and the edition that it is valued with."""

    edition: Edition
    holdings: Holdings

    @classmethod
    def of_market(cls, symbols: int) -> "Held":
        market = Market.made(symbols, RETURN_SESSIONS + 1)
        edition = _edition(market)
        return cls(edition, holdings_of(_book(market), edition))

    @property
    def names(self) -> str:
        return f"{len(self.holdings.symbols):,} names"


def risk_beside_skfolio(held: Held, runs: int, peer_runs: int) -> Figure:
    """Our forecast of the book's variance, and skfolio's; both of the same exposures and covariances."""
    Psi = loadings_of(held.edition.risk, held.holdings.rows).specific_covariance()
    return _beside(
        f"variance of a book of {held.names}, factor and specific, and what each name adds",
        _Side("ours", partial(_risk, held.edition, held.holdings), runs),
        _Side("skfolio", partial(_skfolio_risk, _peers(), held.edition, held.holdings, Psi), peer_runs),
        f"skfolio's dense matrix of specific covariances ({Psi.nbytes / 1e6:.0f} MB) was made for it beforehand",
    )


def tails_beside_pandas(held: Held, runs: int) -> Figure:
    """Historical VaR and ES of the book by ours and by pandas."""
    days = pd.Index(held.edition.sessions[-SESSIONS:])
    returns = held.edition.returns_of(held.holdings.symbols)[:, -SESSIONS:].T
    frame = pd.DataFrame(returns, index=days, columns=held.holdings.symbols)
    return _beside(
        f"VaR and ES at 95 and 99 %, historical, {held.names} × {SESSIONS} sessions",
        _Side("ours", partial(_tails, held.edition, held.holdings), runs),
        _Side("pandas", partial(_pandas_tails, frame, held.holdings), runs),
        "ours looks for holes as well, and gives intervals and standard errors",
    )


@dataclass(frozen=True)
class _Peers:
    attribution: Callable[..., Any]
    empyrical: Any


def _peers() -> _Peers:
    """Imported here: only this benchmark needs them."""
    try:
        import empyrical  # noqa: PLC0415
        from skfolio.attribution import predicted_factor_attribution  # noqa: PLC0415
    except ImportError as error:
        raise RuntimeError(
            f"{error.name} is not installed, which this benchmark measures against: {INSTALL}"
        ) from error
    return _Peers(predicted_factor_attribution, empyrical)


@dataclass(frozen=True)
class _Side:
    name: str
    work: Callable[[], Floats]
    """Gives the figures that both have."""
    runs: int


def _beside(what: str, ours: _Side, peer: _Side, note: str) -> Figure:
    """A comparison of speeds means nothing unless both give the same numbers: raises where they differ."""
    found, expected = ours.work(), peer.work()
    if not np.allclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE * float(np.abs(expected).max())):
        worst = float(np.abs(found - expected).max())
        raise RuntimeError(f"{what}: ours and {peer.name} differ by as much as {worst:g}")
    quick, slow = timed(ours.work, ours.runs), timed(peer.work, peer.runs)
    return Figure(
        name="peers",
        what=what,
        value=median(quick) * 1000,
        unit="ms",
        runs=tuple(seconds * 1000 for seconds in quick),
        reference=f"{peer.name}, ms",
        reference_value=median(slow) * 1000,
        ratio=median(slow) / median(quick),
        sense="at least",
        goal=1.0,
        goal_is_on="ratio",
        note=f"equal to {TOLERANCE:g}; one BLAS thread both; {note}",
    )


def _edition(market: Market) -> Edition:
    """What a night would publish of the market, without its holes: no peer has a way with them."""
    closes = pd.DataFrame(market.closes).ffill().bfill().to_numpy()
    returns = total_returns(closes)[1:]
    # A symbol that only begins later stood still before: it would have residuals of nothing.
    returns += np.random.default_rng(3).normal(0.0, 1e-4, returns.shape)
    return Recorded(market.symbols, market.sessions[1:], returns, {}).edition(len(returns) - 1)


def _book(market: Market) -> Book:
    """One lot of every symbol, a third of them short."""
    dice = np.random.default_rng(5)
    values = dice.uniform(1_000, 20_000, len(market.symbols)) * dice.choice([1, 1, -1], len(market.symbols))
    return book_of([Lot(symbol, value) for symbol, value in zip(market.symbols, values.tolist(), strict=True)])


def _risk(edition: Edition, holdings: Holdings) -> Floats:
    """Volatility, its factor and specific part, and what each name adds to it; USD a day."""
    found = book_risk(loadings_of(edition.risk, holdings.rows), holdings.market_values)
    parts = [found.volatility, np.sqrt(found.factor_variance), np.sqrt(found.specific_variance)]
    return np.concatenate([parts, found.contributions])


def _skfolio_risk(peers: _Peers, edition: Edition, holdings: Holdings, Psi: Floats) -> Floats:
    assert edition.risk.factors is not None
    found = peers.attribution(
        weights=holdings.market_values,
        loading_matrix=edition.risk.betas[holdings.rows],
        factor_covariance=edition.risk.factors.forecast,
        idio_covariance=Psi,
        asset_names=holdings.symbols,
        factor_names=tuple(RISK_FACTOR_NAMES),
        annualization_factor=1.0,
    )
    return np.concatenate(
        [[found.total.vol, found.systematic.vol, found.idio.vol], found.assets.vol_contrib],
    )


def _tails(edition: Edition, holdings: Holdings) -> Floats:
    losses = -as_held(held_pnl(holdings, edition), SESSIONS).pnl
    tails = [tail_of(losses, level) for level in LEVELS]
    return np.array([amount for tail in tails for amount in (tail.value_at_risk, tail.expected_shortfall)])


def _pandas_tails(frame: pd.DataFrame, holdings: Holdings) -> Floats:
    pnl = frame @ pd.Series(holdings.market_values, index=list(holdings.symbols))
    found = []
    for level in LEVELS:
        quantile = pnl.quantile(1 - level / 100, interpolation="lower")
        found += [-quantile, -pnl[pnl <= quantile].mean()]
    return np.array(found)


def _shortfalls(pnl: Floats) -> Floats:
    return np.array([tail_of(-pnl, level).expected_shortfall for level in LEVELS])


def _empyrical_shortfalls(peers: _Peers, pnl: Floats) -> Floats:
    return np.array([-peers.empyrical.conditional_value_at_risk(pnl, 1 - level / 100) for level in LEVELS])


def _performance(own: Floats, benchmark: Floats) -> Floats:
    line = line_through(benchmark, own)
    assert line is not None
    ratios = [sharpe_of(own).value, sortino_of(own), drawdown_of(growth_of(own)).depth, line.beta]
    return np.array(ratios, dtype=np.float64)


def _empyrical_performance(peers: _Peers, own: Floats, benchmark: Floats) -> Floats:
    library = peers.empyrical
    return np.array(
        [
            library.sharpe_ratio(own),
            library.sortino_ratio(own),
            library.max_drawdown(own),
            library.beta(own, benchmark),
        ]
    )
