"""What the demo tells about its portfolio's risk, from the API's answers."""

from collections.abc import Iterator, Mapping
from typing import Any

from local_stack.demo.section import Row, Section
from local_stack.demo.wording import (
    NONE,
    basis,
    beta,
    give_or_take,
    left_out,
    none_because,
    percent,
    signed_percent,
    signed_usd,
    usd,
    words,
)

Answer = Mapping[str, Any]

POSITIONS_SHOWN = 8
SCENARIOS_SHOWN = 8


def volatility(answer: Answer, planted_usd: float | None) -> Section:
    """The forecast of the next session, beside what the planted market makes of the same positions."""
    data = answer["data"]
    value, error = data["daily_volatility_usd"], data["daily_volatility_usd_standard_error"]
    relative = data["relative_reason"]
    rows = [
        Row(("Daily, USD", give_or_take(usd(value, data["reason"]), usd(error)))),
        Row(("Daily, USD, planted", usd(planted_usd))),
        Row(
            (
                "Daily, of NAV",
                give_or_take(
                    percent(data["daily_volatility"], relative, digits=2),
                    percent(data["daily_volatility_standard_error"], digits=2),
                ),
            )
        ),
        Row(("A year, of NAV", percent(data["annual_volatility"], relative))),
        Row(("Of the factors", percent(data["factor_share"], data["shares_reason"]))),
        Row(("Specific", percent(data["specific_share"], data["shares_reason"]))),
    ]
    notes = left_out(data["excluded"])
    if value is not None and error and planted_usd is not None:
        off = (value - planted_usd) / error
        notes.append(f"The forecast is {off:+.1f} of its standard errors from the planted volatility.")
    if planted_usd is None:
        notes.append("No planted volatility: not every position is a company of the synthetic market.")
    if data["estimation"] is None:
        notes.append(f"No risk model: {words(data['model_reason'])}.")
    else:
        made_of = data["estimation"]
        notes.append(
            f"Estimated from {made_of['sessions']} sessions with a half-life of {made_of['half_life']}, "
            f"as good as {made_of['effective_observations']:.0f} of equal weight; ± is one standard error."
        )
    return Section("Volatility expected of the next session", basis(answer), ("what", "volatility"), rows, notes=notes)


def risk_by_factor(answer: Answer) -> Section:
    data = answer["data"]
    rows = [
        Row(
            (
                item["name"],
                percent(item["share"], data["shares_reason"]),
                signed_usd(item["contribution_usd"]),
                beta(item["exposure"], data["relative_reason"]),
            ),
            item["share"],
        )
        for item in data["factors"]
    ]
    if data["reason"] is None:
        specific = data["specific_contribution_usd"]
        share = data["specific_share"]
        rows.append(Row(("Specific", percent(share, data["shares_reason"]), signed_usd(specific), NONE), share))
    columns = ("factor", "share", "contribution, USD", "exposure, beta")
    return Section(
        "What the risk comes from",
        basis(answer),
        columns,
        rows,
        "Share of daily volatility",
        notes=none_because(rows, data["reason"]),
    )


def risk_by_position(answer: Answer) -> Section:
    data = answer["data"]
    rows = [
        Row(
            (
                item["symbol"],
                percent(item["share"], data["shares_reason"]),
                signed_usd(item["contribution_usd"]),
                percent(item["weight"], data["relative_reason"]),
                item["sector"] or words(item["sector_reason"]),
            ),
            item["share"],
        )
        for item in data["positions"]
    ]
    if (rest := data["other_positions"]) and rest["positions"]:
        cells = (f"{rest['positions']} others", percent(rest["share"], data["shares_reason"]))
        rows.append(Row((*cells, signed_usd(rest["contribution_usd"]), NONE, NONE), rest["share"]))
    columns = ("position", "share", "contribution, USD", "weight", "sector")
    return Section(
        "Which positions the risk comes from",
        basis(answer),
        columns,
        rows,
        "Share of daily volatility",
        notes=none_because(rows, data["reason"]),
    )


def value_at_risk(answer: Answer) -> Section:
    data = answer["data"]
    historical, parametric = data["historical"], data["parametric"]
    rows: list[Row] = []
    for n, level in enumerate(historical["levels"]):
        of = percent(level["level"], digits=0)
        rows += _losses(f"VaR {of}", "var", level, parametric["levels"][n], data["relative_reason"])
        rows += _losses(f"ES {of}", "es", level, parametric["levels"][n], data["relative_reason"])
    notes = [
        f"Historical: {historical['sessions']} sessions from {historical['since'] or NONE} to "
        f"{historical['until'] or NONE} of the book as held now; in brackets an interval with at least 95% "
        f"confidence. Parametric: Student's t with {parametric['degrees_of_freedom']} degrees of freedom. ± is one "
        "standard error.",
        *left_out(historical["excluded"]),
    ]
    if historical["filled_share"]:
        notes.append(f"{percent(historical['filled_share'])} of the past is the risk model's, not the symbols' own.")
    columns = ("loss of a session", "USD", "uncertainty, USD", "of NAV")
    return Section("What it may lose in a day", basis(answer), columns, rows, "Loss, USD", notes=notes)


def stress(answer: Answer) -> Section:
    """The scenarios that cost most, worst first."""
    data = answer["data"]
    outcomes = sorted(data["outcomes"], key=lambda outcome: outcome["propagated"]["pnl"])[:SCENARIOS_SHOWN]
    rows = []
    for outcome in outcomes:
        whole = outcome["propagated"]
        cells = (
            outcome["name"],
            signed_usd(whole["pnl"]),
            signed_percent(whole["pnl_of_nav"], data["relative_reason"]),
            signed_usd(outcome["direct"]["pnl"]),
        )
        rows.append(Row(cells, whole["pnl"]))
    notes = none_because(rows, data["reason"])
    if rows:
        notes.append(
            "Factors that a scenario does not name follow the market as they have used to; in the direct P&L they "
            "stand still. Nothing specific to a company is in either; the API gives no standard error of them."
        )
    if data["stress_sessions"] is not None:
        notes.append(f"How factors follow the market is estimated from {data['stress_sessions']} sessions.")
    capped = max((outcome["propagated"]["capped_positions"] for outcome in outcomes), default=0)
    if capped:
        notes.append(f"Up to {capped} long positions lose all they are worth, and no more.")
    if data["assumed_positions"]:
        notes.append(f"{data['assumed_positions']} positions are taken to move with the market one to one.")
    notes += left_out(data["excluded"])
    columns = ("scenario", "P&L", "of NAV", "direct P&L")
    title = f"What it would lose: the worst of {len(data['outcomes'])} scenarios (USD)"
    return Section(title, basis(answer), columns, rows, "P&L, USD", notes=notes)


def _losses(name: str, figure: str, historical: Answer, parametric: Answer, relative: str | None) -> Iterator[Row]:
    for method, level in (("historical", historical), ("parametric", parametric)):
        value, error = level[f"{figure}_usd"], level.get(f"{figure}_usd_standard_error")
        uncertainty = NONE if error is None else f"± {usd(error)}"
        if "var_usd_low" in level and figure == "var" and value is not None:
            uncertainty = f"[{usd(level['var_usd_low'])}, {usd(level['var_usd_high'], 'no bound')}]"
        of_nav = percent(level[figure], level["reason"] or relative, digits=2)
        yield Row((f"{name}, {method}", usd(value, level["reason"]), uncertainty, of_nav), value, error)
