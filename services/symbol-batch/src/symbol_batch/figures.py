"""An edition's figures: exposures and metrics of a panel, and their rows. Pure; seconds of work, so off the loop."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

import numpy as np
import orjson

from riskstream.market.returns import total_returns
from riskstream.market.risk_factors import BENCHMARKS
from symbol_batch.company_metrics import CompanyMetrics, company_metrics
from symbol_batch.factors.arrays import nullable
from symbol_batch.factors.definitions import FACTORS
from symbol_batch.factors.exposures import REASONS as EXPOSURE_REASONS
from symbol_batch.factors.exposures import ExposureTable, compute_exposures
from symbol_batch.metrics import HORIZONS, DailyMetrics, compute_metrics
from symbol_batch.panel import Panel
from symbol_batch.providers.provider import Outcome
from symbol_batch.store.editions import EXPOSURE_COLUMNS

_EXPOSURE_FIGURES = (
    "symbol", "factor", "beta", "standard_error", "standard_error_newey_west", "t", "t_newey_west", "r_squared",
    "observations", "window", "method", "status", "reason", "extreme",
)  # fmt: skip


QUARANTINED = "QUARANTINED"
"""Why a symbol has no price: its bar of the session is held back."""

CarriedRow: TypeAlias = Mapping[str, Any]

_PRICED = ("price", *(f"return_{horizon}" for horizon in HORIZONS))


@dataclass(frozen=True)
class Figures:
    """The exposures and metrics of the same symbols as of the same session.

    Symbols whose bar of the session is `held` back have the exposures of an earlier session, `carried` by column, or
    where there are none null ones.
    """

    exposures: ExposureTable
    metrics: DailyMetrics
    held: Collection[str] = ()
    carried: Mapping[str, Sequence[CarriedRow]] = field(default_factory=dict)

    @property
    def symbols(self) -> tuple[str, ...]:
        return self.metrics.symbols

    @property
    def with_exposures(self) -> int:
        """Symbols with at least one estimated exposure."""
        estimated: list[bool] = np.asarray(self.exposures.estimated.any(axis=1)).tolist()
        own = sum(known and symbol not in self.held for symbol, known in zip(self.symbols, estimated, strict=True))
        return own + sum(any(row["beta"] is not None for row in rows) for rows in self.carried.values())


def exposures_of(panel: Panel, symbols: Sequence[str]) -> ExposureTable:
    """Exposures of `symbols` as of the panel's last session. The panel contains them and the benchmarks."""
    returns = total_returns(panel.closes, panel.ratios, panel.dividends)
    benchmarks = returns[:, panel.columns(BENCHMARKS)]
    return compute_exposures(returns[:, panel.columns(symbols)], benchmarks, symbols, panel.sessions)


def metrics_of(panel: Panel, symbols: Sequence[str]) -> DailyMetrics:
    """Daily metrics of `symbols` as of the panel's last session."""
    own = panel.columns(symbols)
    metrics = compute_metrics(
        panel.closes[:, own], panel.ratios[:, own], panel.dividends[:, own], symbols, panel.sessions
    )
    companies = company_metrics(
        panel.companies,
        panel.splits,
        symbols=symbols,
        prices=metrics.price,
        price_sessions=[None if age < 0 else panel.sessions[-1 - age] for age in metrics.staleness.tolist()],
        known_from=panel.sessions[0],
    )
    return replace(metrics, companies=tuple(companies))


def exposure_rows(figures: Figures, edition: int, run_id: UUID) -> Iterator[tuple[Any, ...]]:
    """Twelve rows a symbol, in the order of `store.editions.EXPOSURE_COLUMNS`."""
    columns = figures.exposures.columns()
    session = figures.exposures.as_of
    for row in zip(*(columns[name] for name in _EXPOSURE_FIGURES), strict=True):
        if row[0] not in figures.held:
            yield session, edition, *row, run_id, None
    for symbol in figures.symbols:
        if symbol in figures.held:
            yield from _held_rows(symbol, session, edition, figures.carried.get(symbol, ()), run_id)


def _held_rows(
    symbol: str, session: date, edition: int, carried: Sequence[CarriedRow], run_id: UUID
) -> Iterator[tuple[Any, ...]]:
    for row in carried:
        since = row["carried_from"] or (row["session"] if row["beta"] is not None else None)
        own = {"session": session, "edition": edition, "run_id": run_id, "carried_from": since}
        yield tuple({**row, **own}[column] for column in EXPOSURE_COLUMNS)
    for factor in FACTORS if not carried else ():
        yield (
            session, edition, symbol, factor.slug, *[None] * 6, 0, factor.window, factor.method, "null",
            QUARANTINED.lower(), False, run_id, None,
        )  # fmt: skip


def metric_rows(
    figures: Figures, panel_sessions: Sequence[date], outcomes: Mapping[str, str], edition: int, run_id: UUID
) -> Iterator[tuple[Any, ...]]:
    """A row a symbol, in the order of `store.editions.METRIC_COLUMNS`.

    The price is the last close at most five sessions old and `price_session` its session. Where a symbol has no close
    of the session, the reasons name what its fetch came to, or that its bar is held back: "no price", "refused" and
    "in doubt" do not look alike.
    """
    columns = figures.metrics.columns()
    session = figures.metrics.as_of
    for index, symbol in enumerate(figures.symbols):
        outcome = QUARANTINED if symbol in figures.held else outcomes.get(symbol)
        staleness = columns["staleness"][index]
        company = figures.metrics.companies[index]
        betas, beta_reasons = _betas(figures, index)
        reasons = _price_reasons(columns, index, None if outcome == Outcome.OK else outcome)
        reasons |= company.reasons | beta_reasons
        yield (
            edition,
            symbol,
            session,
            columns["price"][index],
            None if staleness is None else panel_sessions[-1 - staleness],
            *(columns[f"return_{horizon}"][index] for horizon in HORIZONS),
            *betas,
            columns["data_quality"][index],
            *_company_columns(company),
            orjson.dumps(reasons).decode(),
            run_id,
        )


def _company_columns(company: CompanyMetrics) -> tuple[Decimal | None, float | None, str | None]:
    """Market capitalisation to the cent, half to even; the others as they are."""
    market_cap = None if company.market_cap is None else round(Decimal(repr(company.market_cap)), 2)
    return market_cap, company.price_earnings, company.sector


def _betas(figures: Figures, index: int) -> tuple[list[float | None], dict[str, str]]:
    """A symbol's betas in the order of `FACTORS`, and why each one that is null is."""
    symbol = figures.symbols[index]
    if symbol in figures.held:
        carried = {row["factor"]: row for row in figures.carried.get(symbol, ())}
        betas = [carried[factor.slug]["beta"] if factor.slug in carried else None for factor in FACTORS]
        reasons = [carried[f.slug]["reason"] if f.slug in carried else QUARANTINED.lower() for f in FACTORS]
    else:
        betas = nullable(figures.exposures.beta[index])
        codes = figures.exposures.reason[index].tolist()
        reasons = [EXPOSURE_REASONS[code] or None for code in codes]
    names = [f"{factor.slug.removesuffix('_beta')}_beta" for factor in FACTORS]
    return betas, {name: reason for name, reason in zip(names, reasons, strict=True) if reason}


def _price_reasons(columns: Mapping[str, list[Any]], index: int, refused: str | None) -> dict[str, str]:
    """Why the price and each return is null where it is; `refused` is what the fetch came to."""
    reasons = {name: _reason(columns, name, index) for name in _PRICED if columns[name][index] is None}
    if refused is not None:
        reasons = {
            name: f"{reason} ({refused})" if reason == "no_price" else reason for name, reason in reasons.items()
        }
    return reasons


def _reason(columns: Mapping[str, list[Any]], name: str, index: int) -> str:
    known = columns.get(f"{name}_reason")
    return (known[index] if known else None) or "no_price"
