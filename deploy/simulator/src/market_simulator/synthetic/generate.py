"""The synthetic market as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from market_simulator.market import Floats, Listing, Market, Planted
from market_simulator.sessions import Sessions, nyse_sessions
from market_simulator.synthetic.events import company_life, fund_life
from market_simulator.synthetic.listings import BENCHMARKS, companies
from market_simulator.synthetic.prices import series_of, tape
from market_simulator.synthetic.process import COVARIANCE, MEANS, SHOCKS, Company, plant

EPOCH = date(2015, 1, 2)
"""Every synthetic price path starts here, wherever its served history starts: so a session's close does not depend
on the window that is asked for."""

FEWEST_SYMBOLS = len(BENCHMARKS) + 12
"""The benchmarks and enough companies that each kind of event happens to one of them."""

_NOISES = 4


@dataclass(frozen=True)
class Synthesis:
    """What a synthetic market is made from. `symbols` counts the eight benchmarks too; all dates are included."""

    seed: int
    symbols: int
    reference: date
    """Decides the year in which events are planted; the simulator's clock's date, as a rule."""
    start: date
    horizon: date

    def __post_init__(self) -> None:
        if self.symbols < FEWEST_SYMBOLS:
            raise ValueError(
                f"{self.symbols} symbols are too few for every kind of event; give {FEWEST_SYMBOLS} or more"
            )
        if not EPOCH <= self.start < self.reference < self.horizon:
            raise ValueError(
                f"start {self.start}, reference {self.reference} and horizon {self.horizon} must follow each other "
                f"and not lie before {EPOCH}"
            )


def synthesis_at(reference: date, *, seed: int, symbols: int = 500, start: date | None = None) -> Synthesis:
    """History from two full years before the reference's year (or `start`) to the end of the year after it."""
    return Synthesis(
        seed=seed,
        symbols=symbols,
        reference=reference,
        start=start or max(EPOCH, date(reference.year - 2, 1, 1)),
        horizon=date(reference.year + 1, 12, 31),
    )


def generate(synthesis: Synthesis) -> Market:
    """The market of a synthesis: the same numbers in every process, and for a symbol whatever the others are."""
    sessions = nyse_sessions(EPOCH, synthesis.horizon)
    begin = sessions.first_from(synthesis.start)
    firms = companies(synthesis.symbols - len(BENCHMARKS))
    listings = BENCHMARKS + firms
    truths = [plant(synthesis.seed, number) for number in range(len(firms))]
    lives = [fund_life(sessions, number) for number in range(len(BENCHMARKS))]
    lives += [company_life(sessions, synthesis.reference, synthesis.seed, number) for number in range(len(firms))]
    shocks, noise = _draws(synthesis.seed, sessions, len(listings))
    benchmark_returns, company_returns = _returns(truths, shocks)
    prices = tape(np.hstack([benchmark_returns, company_returns]), lives, _first_prices(len(listings)))
    series = {
        listing.symbol: series_of(listing, life, prices, noise[:, column], column=column, begin=begin)
        for column, (listing, life) in enumerate(zip(listings, lives, strict=True))
        if life.delisted is None or life.delisted > begin
    }
    return Market(
        sessions=sessions.part(begin),
        series=series,
        planted=_planted(firms, truths, benchmark_returns[begin:]),
    )


def _draws(seed: int, sessions: Sessions, count: int) -> tuple[Floats, Floats]:
    """Standard normals: shocks (sessions, 12 + companies) and noise (sessions, symbols, 4).

    Each session has a generator of its own, seeded by its date: a later horizon adds sessions and changes none; more
    symbols add draws at the end of each.
    """
    shocks = np.empty((len(sessions), SHOCKS.shape[1] + count - len(BENCHMARKS)))
    noise = np.empty((len(sessions), count, _NOISES))
    for row, day in enumerate(sessions.dates.astype(int)):
        np.random.default_rng([seed, 3, int(day)]).standard_normal(out=shocks[row])
        np.random.default_rng([seed, 4, int(day)]).standard_normal(out=noise[row])
    return shocks, noise


def _returns(truths: list[Company], shocks: Floats) -> tuple[Floats, Floats]:
    common = shocks[:, : SHOCKS.shape[1]] @ SHOCKS.T
    loadings = np.stack([truth.loadings for truth in truths])
    specific = np.array([truth.specific for truth in truths])
    means = np.array([truth.mean for truth in truths])
    return MEANS + common, means + common @ loadings.T + specific * shocks[:, SHOCKS.shape[1] :]


def _first_prices(count: int) -> Floats:
    return 30.0 + (np.arange(count) * 37 % 120).astype(np.float64)


def _planted(firms: tuple[Listing, ...], truths: list[Company], benchmark_returns: Floats) -> Planted:
    return Planted(
        benchmarks=tuple(listing.symbol for listing in BENCHMARKS),
        covariance=COVARIANCE,
        benchmark_returns=benchmark_returns,
        loadings={firm.symbol: truth.loadings for firm, truth in zip(firms, truths, strict=True)},
        specific={firm.symbol: truth.specific for firm, truth in zip(firms, truths, strict=True)},
    )
