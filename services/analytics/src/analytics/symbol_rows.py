"""Stored rows of a symbol as what is said of them. Every null gets its reason here, and no NaN or Infinity leaves."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from math import isfinite, sqrt
from typing import Any

import asyncpg
import orjson

from analytics.factors import FACTOR_NAMES
from analytics.risk_model import RISK_FACTOR_NAMES
from analytics.symbol_answers import (
    Bar,
    CorporateAction,
    Metrics,
    PastExposure,
    Profile,
    RiskBeta,
    RiskLoadings,
    SymbolFactorExposure,
)

NOT_A_NUMBER = "not_a_number"
"""What is stored is NaN or infinite."""
NOT_GIVEN = "not_given"
"""The provider left it out."""
NOT_STATED = "not_stated"
"""The symbol layer published a null without saying why."""
SESSIONS_A_YEAR = 252

_ESTIMATES = (
    "standard_error", "t_statistic", "standard_error_newey_west", "t_statistic_newey_west", "r_squared",
)  # fmt: skip
_NEWEY_WEST = {"standard_error_newey_west", "t_statistic_newey_west"}
_COUNTS = ("observations", "window_sessions", "method", "extreme", "carried_from")
_BAR = ("open", "high", "low", "close", "volume")
_PROFILE = (
    "name", "sector", "industry", "country", "currency", "shares_outstanding", "trailing_eps", "next_earnings",
    "last_earnings",
)  # fmt: skip
_METRICS = tuple(name for name in Metrics.model_fields if name != "reasons")


def exposure_of(factor: str, row: asyncpg.Record | None) -> SymbolFactorExposure:
    """The exposure to `factor`; without a row it is one that was not published."""
    return SymbolFactorExposure(**_exposure(factor, row))


def past_exposure_of(row: asyncpg.Record) -> PastExposure:
    where = {name: row[name] for name in ("session", "edition", "run_id")}
    return PastExposure(**_exposure(row["factor"], row), **where, published_as=row["symbol"])


def _exposure(factor: str, row: asyncpg.Record | None) -> dict[str, Any]:
    named = {"factor": factor, "name": FACTOR_NAMES[factor]}
    if row is None:
        missing = dict.fromkeys((*_ESTIMATES, "observations", "window_sessions", "method"), "not_published")
        nulls = dict.fromkeys(("beta", *missing, "carried_from"))
        return named | nulls | {"status": "null", "reason": "not_published", "reasons": missing, "extreme": False}
    beta = _finite(row["beta"])
    reason = None if beta is not None else row["reason"] or NOT_A_NUMBER
    estimates = {name: None if beta is None else _finite(row[name]) for name in _ESTIMATES}
    reasons = {name: reason or _why(name, row) for name, value in estimates.items() if value is None}
    counted = {name: row[name] for name in _COUNTS}
    status = "null" if beta is None else "estimated"
    return named | estimates | counted | {"beta": beta, "status": status, "reason": reason, "reasons": reasons}


def _why(estimate: str, row: asyncpg.Record) -> str:
    """Why an estimate beside a beta is null."""
    if row[estimate] is not None:
        return NOT_A_NUMBER
    if estimate in _NEWEY_WEST and row["method"] != "ols":
        return "ols_only"
    if estimate.startswith("t_statistic") and row[estimate.replace("t_statistic", "standard_error")] == 0:
        return "no_standard_error"
    return NOT_STATED


def loadings_of(row: asyncpg.Record | None) -> RiskLoadings:
    """The loadings of a row of the model and the symbol's of it; without one the edition has no model."""
    absent = _absent(row)
    if row is None or absent is not None:
        return RiskLoadings(
            status=None,
            reason=absent,
            betas=(),
            specific_volatility=None,
            specific_volatility_annual=None,
            specific_volatility_reason=absent,
            observations=None,
            carried_from=None,
        )
    betas = zip(RISK_FACTOR_NAMES.items(), map(_finite, row["betas"]), strict=True)
    variance = _finite(row["specific_variance"])
    volatility = None if variance is None or variance < 0 else sqrt(variance)
    unknown = "nothing_typical" if row["specific_variance"] is None else NOT_A_NUMBER
    return RiskLoadings(
        status=row["status"],
        reason=row["reason"],
        betas=tuple(
            RiskBeta(factor=slug, name=name, beta=beta, reason=NOT_A_NUMBER if beta is None else None)
            for (slug, name), beta in betas
        ),
        specific_volatility=volatility,
        specific_volatility_annual=None if volatility is None else volatility * sqrt(SESSIONS_A_YEAR),
        specific_volatility_reason=unknown if volatility is None else None,
        observations=row["observations"],
        carried_from=row["carried_from"],
    )


def _absent(row: asyncpg.Record | None) -> str | None:
    """Why there are no loadings."""
    if row is None:
        return "not_published"
    if row["model_reason"] is not None:
        return str(row["model_reason"])
    if tuple(row["factors"]) != tuple(RISK_FACTOR_NAMES):
        return "other_factors"
    return "not_in_the_model" if row["betas"] is None else None


def bar_of(row: asyncpg.Record) -> Bar:
    numbers, reasons = _numbers(row, _BAR, NOT_GIVEN)
    return Bar(**numbers, reasons=reasons, **_rest(row, ("session", "currency", "source", "fetched_at")))


def action_of(row: asyncpg.Record) -> CorporateAction:
    figures = {name: _finite(row[name]) for name in ("ratio", "amount")}
    return CorporateAction(**figures, **_rest(row, ("ex_date", "kind", "source", "fetched_at")))


def profile_of(row: asyncpg.Record, as_of: date) -> Profile:
    """The profile as of the session `as_of`: an earnings date before it is the last one, not the next."""
    values, reasons = _numbers(row, _PROFILE, NOT_GIVEN)
    coming = values["next_earnings"]
    if coming is not None and coming < as_of:
        values |= {"next_earnings": None, "last_earnings": coming}
        reasons["next_earnings"] = "passed"
        reasons.pop("last_earnings", None)
    return Profile(**values, reasons=reasons, **_rest(row, ("kind", "source", "fetched_at", "fetched_on")))


def metrics_of(row: asyncpg.Record) -> Metrics:
    values, reasons = _numbers(row, _METRICS, NOT_STATED)
    stated: Mapping[str, str] = orjson.loads(row["reasons"])
    return Metrics(**values, reasons={name: stated.get(name, why) for name, why in reasons.items()})


def _numbers(row: asyncpg.Record, columns: Sequence[str], absent: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The columns, and why each null one is: `absent` where it is stored so."""
    values = {name: _finite(row[name]) for name in columns}
    missing: Iterable[str] = (name for name, value in values.items() if value is None)
    return values, {name: absent if row[name] is None else NOT_A_NUMBER for name in missing}


def _rest(row: asyncpg.Record, columns: Sequence[str]) -> dict[str, Any]:
    return {name: row[name] for name in columns}


def _finite(value: Any) -> Any:
    """The value as JSON can say it: amounts as floats, what is no finite number as None."""
    if isinstance(value, Decimal):
        value = float(value)
    return None if isinstance(value, float) and not isfinite(value) else value
