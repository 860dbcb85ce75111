"""What the demo tells about its portfolio, from the API's answers."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from local_stack.demo.section import Row, Section
from local_stack.demo.wording import (
    NONE,
    basis,
    beta,
    left_out,
    none_because,
    percent,
    signed_percent,
    signed_usd,
    usd,
    words,
)

Answer = Mapping[str, Any]
Betas = Mapping[str, Mapping[str, float]]

CENT = 0.01

COMPARED = {
    ("risk", "daily_volatility_usd"): "Daily volatility",
    ("risk", "specific_contribution_usd"): "Specific part of it",
    ("var", "historical.levels.0.var_usd"): "VaR 95%, historical",
    ("var", "historical.levels.1.var_usd"): "VaR 99%, historical",
    ("var", "parametric.levels.0.var_usd"): "VaR 95%, parametric",
    ("var", "parametric.levels.1.var_usd"): "VaR 99%, parametric",
}
"""The figures of a what-if that are shown, all in USD, by measure and place."""


def pnl_by_night(name: str, overviews: Mapping[date, Answer]) -> Section:
    rows = []
    for night, overview in overviews.items():
        data, pnl = overview["data"], overview["data"]["pnl"]
        cells = [str(night), usd(data["nav"])]
        cells += [signed_usd(pnl[part]) for part in ("total", "price", "dividend", "in_kind")]
        cells.append(signed_percent(data["daily_return"], data["daily_return_reason"], digits=3))
        rows.append(Row(cells, value=pnl["total"]))
    columns = ("session", "NAV", "P&L", "price", "dividend", "in kind", "return")
    return Section(f"{name}, night by night (USD)", _basis_of_last(overviews), columns, rows, "P&L, USD", 2)


def positions(overviews: Mapping[date, Answer]) -> Section:
    data = list(overviews.values())[-1]["data"]
    rows = [
        Row(
            (
                line["symbol"],
                f"{line['quantity']:,.0f}",
                usd(line["price"], line["price_status"]),
                usd(line["market_value"]),
                percent(line["weight"], data["weights_reason"] or line["price_status"]),
                signed_usd(line["pnl"]),
            )
        )
        for line in data["top_positions"]
    ]
    columns = ("symbol", "quantity", "price", "value", "weight", "P&L")
    unpriced = ", ".join(line["symbol"] for line in data["unpriced"])
    notes = [f"Without a price: {unpriced}."] if unpriced else []
    if not rows and not unpriced:
        notes = ["Nothing is held."]
    return Section("Its positions after the last night (USD)", _basis_of_last(overviews), columns, rows, notes=notes)


def exposures(answer: Answer, overview: Answer, truth: Betas) -> Section:
    """The portfolio's exposures; the truth is the planted betas under the same weights."""
    lines = overview["data"]["top_positions"]
    whole = len(lines) == overview["data"]["positions"]
    rows = []
    for item in answer["data"]["factors"]:
        planted = _planted_beta(truth, lines, item["factor"]) if whole else None
        error = item["standard_error"]
        cells = (
            item["name"],
            beta(item["beta"], item["reason"]),
            NONE if error is None else f"{error:.3f}",
            beta(planted),
            percent(item["coverage"], digits=0),
        )
        rows.append(Row(cells, item["beta"], error, planted))
    notes = [
        "The error takes the symbols' errors as independent. They share the factors left out of each regression, "
        "so a portfolio may be further off than three of them.",
        *left_out(answer["data"]["excluded"]),
    ]
    columns = ("factor", "estimate", "std. error", "planted", "coverage")
    title = "Its exposures beside the planted truth (beta)"
    return Section(title, basis(answer), columns, rows, "Beta", notes=notes)


def attribution(answer: Answer) -> Section:
    data = answer["data"]
    title = f"What made the P&L of {data['until'] or 'the last day'} (USD)"
    rows = [
        Row((item["name"], signed_usd(item["pnl"]), signed_usd(item["exposure"])), item["pnl"])
        for item in data["by_factor"]
    ]
    if data["reason"] is None:
        for name, part in (("Specific", "specific_pnl"), ("Unexplained", "unexplained_pnl"), ("All of it", "pnl")):
            rows.append(Row((name, signed_usd(data[part]), NONE), data[part]))
    notes = none_because(rows, data["reason"])
    if rows:
        unexplained = percent(data["unexplained_share"], data["unexplained_share_reason"])
        fit = NONE if data["r_squared"] is None else f"{data['r_squared']:.2f}"
        why = f" ({words(data['r_squared_reason'])})" if data["r_squared_reason"] else ""
        notes.append(f"Unexplained share {unexplained}; R² of the factors {fit}{why}.")
    for left in data["unexplained"]:
        if abs(left["pnl"]) >= CENT / 2:
            notes.append(f"Unexplained because of {words(left['reason'])}: {signed_usd(left['pnl'])} USD.")
    return Section(title, basis(answer), ("made by", "P&L", "held of it"), rows, "P&L, USD", notes=notes)


def what_if(answer: Answer) -> Section:
    """Some figures before and after the trades, which the title says."""
    data = answer["data"]
    found = {(item["measure"], item["figure"]): item for item in data["figures"]}
    rows = []
    for place, name in COMPARED.items():
        figure = found[place]
        before, change = figure["before"], figure["change"]
        relative = change / before if before and change is not None else None
        cells = (name, signed_percent(relative), usd(before), usd(figure["after"]))
        rows.append(Row(cells, relative))
    trades = ", ".join(
        f"{'sell' if trade['quantity'] < 0 else 'buy'} {abs(trade['quantity']):,.0f} {trade['symbol']}"
        for trade in data["trades"]
    )
    columns = ("figure", "change", "before, USD", "after, USD")
    notes = [f"Cash goes from {usd(data['cash_before'])} to {usd(data['cash_after'])} USD; NAV stays."]
    return Section(f"What if: {trades}", basis(answer), columns, rows, "Change", notes=notes)


def _planted_beta(truth: Betas, lines: Sequence[Answer], factor: str) -> float | None:
    terms = [(line["weight"], truth.get(line["symbol"], {}).get(factor)) for line in lines]
    if any(weight is None or planted is None for weight, planted in terms):
        return None
    return float(sum(weight * planted for weight, planted in terms))


def _basis_of_last(overviews: Mapping[date, Answer]) -> str:
    return basis(list(overviews.values())[-1])
