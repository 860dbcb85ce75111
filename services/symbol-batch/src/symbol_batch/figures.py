"""An edition's figures: exposures and metrics of a panel, and their rows. Pure; seconds of work, so off the loop."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from symbol_batch.company_metrics import CompanyMetrics, company_metrics
from symbol_batch.factors.definitions import BENCHMARKS, FACTORS
from symbol_batch.factors.exposures import ExposureTable, compute_exposures
from symbol_batch.factors.returns import total_returns
from symbol_batch.metrics import HORIZONS, DailyMetrics, compute_metrics
from symbol_batch.panel import Panel
from symbol_batch.providers.provider import Outcome

_EXPOSURE_FIGURES = (
    "symbol", "factor", "beta", "standard_error", "standard_error_newey_west", "t", "t_newey_west", "r_squared",
    "observations", "window", "method", "status", "reason", "extreme",
)  # fmt: skip


@dataclass(frozen=True)
class Figures:
    """The exposures and metrics of the same symbols as of the same session."""

    exposures: ExposureTable
    metrics: DailyMetrics

    @property
    def symbols(self) -> tuple[str, ...]:
        return self.metrics.symbols

    @property
    def with_exposures(self) -> int:
        """Symbols with at least one estimated exposure."""
        return int(self.exposures.estimated.any(axis=1).sum())


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
        yield session, edition, *row, run_id


def metric_rows(
    figures: Figures, panel_sessions: Sequence[date], outcomes: Mapping[str, Outcome], edition: int, run_id: UUID
) -> Iterator[tuple[Any, ...]]:
    """A row a symbol, in the order of `store.editions.METRIC_COLUMNS`.

    The price is the last close at most five sessions old and `price_session` its session. Where a symbol has no close
    of the session, the reasons name what its fetch came to, so that "no price" and "refused" do not look alike.
    """
    columns = figures.metrics.columns()
    betas = figures.exposures.beta
    beta_reasons = figures.exposures.columns()["reason"]
    session = figures.metrics.as_of
    for index, symbol in enumerate(figures.symbols):
        outcome = outcomes.get(symbol)
        staleness = columns["staleness"][index]
        company = figures.metrics.companies[index]
        reasons = _price_reasons(columns, index, None if outcome is Outcome.OK else outcome) | company.reasons
        row_reasons = beta_reasons[index * len(FACTORS) : (index + 1) * len(FACTORS)]
        reasons |= {
            f"{factor.slug.removesuffix('_beta')}_beta": reason
            for factor, reason in zip(FACTORS, row_reasons, strict=True)
            if reason
        }
        yield (
            edition,
            symbol,
            session,
            columns["price"][index],
            None if staleness is None else panel_sessions[-1 - staleness],
            *(columns[f"return_{horizon}"][index] for horizon in HORIZONS),
            *(None if beta != beta else beta for beta in betas[index].tolist()),  # noqa: PLR0124  # NaN
            columns["data_quality"][index],
            *_company_columns(company),
            orjson.dumps(reasons).decode(),
            run_id,
        )


def _company_columns(company: CompanyMetrics) -> tuple[Decimal | None, float | None, str | None]:
    """Market capitalisation to the cent, half to even; the others as they are."""
    market_cap = None if company.market_cap is None else round(Decimal(repr(company.market_cap)), 2)
    return market_cap, company.price_earnings, company.sector


def _price_reasons(columns: Mapping[str, list[Any]], index: int, refused: Outcome | None) -> dict[str, str]:
    names = ("price", *(f"return_{horizon}" for horizon in HORIZONS))
    missing = {name: columns.get(f"{name}_reason", [None] * (index + 1))[index] or "no_price" for name in names}
    reasons = {name: reason for name, reason in missing.items() if columns[name][index] is None}
    if refused is not None:
        reasons = {
            name: f"{reason} ({refused})" if reason == "no_price" else reason for name, reason in reasons.items()
        }
    return reasons
