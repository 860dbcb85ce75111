"""The tables at the demo's end: what ran, what flowed, what came out and whether it is right."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from local_stack.demo.planted import WITHIN, Estimate, share_within
from local_stack.demo.story import NEWCOMER, SHOWN, Told
from riskstream.events.envelope import Envelope
from riskstream.events.portfolio import PortfolioChanged, PortfolioRefreshed
from riskstream.events.symbol import SymbolFactorsUpdated, SymbolReady, SymbolRequested

REQUIRED_SHARE = 0.99
ROWS_OF_BETAS = 8


def report(console: Console, told: Told, events: Sequence[Envelope[Any]], estimates: list[Estimate]) -> bool:
    """Print everything; whether the estimates are as close to the planted truth as they must be."""
    console.print(_nights(told))
    console.print(_refreshes(told))
    console.print(_events(events))
    console.print(_newcomer(told, events))
    console.print(_pnl(told))
    console.print(_positions(told))
    console.print(_exposures(told))
    console.print(_betas(told, estimates))
    good = _say_share(console, told, estimates)
    console.print(_answers(told))
    return good


def _table(title: str, *columns: str, numbers: Sequence[str] = ()) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", no_wrap=True)
    return table


def _nights(told: Told) -> Table:
    dates = [str(run["session"]) for run in told.nights]
    table = _table("Each night, step by step (seconds)", "step", *dates, numbers=dates)
    seconds: dict[str, dict[str, float]] = defaultdict(dict)
    for run in told.nights:
        for step in run["steps"]:
            name = step["name"]
            seconds[name][str(run["session"])] = seconds[name].get(str(run["session"]), 0.0) + step["seconds"]
    for name, by_night in seconds.items():
        table.add_row(name, *(f"{by_night[night]:.2f}" if night in by_night else "" for night in dates))
    table.add_section()
    table.add_row("edition", *(str(run["edition"]) for run in told.nights))
    return table


def _refreshes(told: Told) -> Table:
    table = _table(
        "Portfolios valued", "session", "cause", "chunks", "portfolios", "failed", "seconds",
        numbers=("chunks", "portfolios", "failed", "seconds"),
    )  # fmt: skip
    for run in sorted(told.refreshes, key=lambda run: str(run["started_at"])):
        began, ended = _instant(run["started_at"]), _instant(run["finished_at"])
        table.add_row(
            str(run["session"]),
            str(run["cause"]),
            str(run["chunks"]),
            str(run["portfolios"]),
            str(run["portfolios_failed"]),
            f"{(ended - began).total_seconds():.2f}" if began and ended else "",
        )
    return table


def _events(events: Sequence[Envelope[Any]]) -> Table:
    counts = Counter((event.type, event.source.rsplit("/", 1)[-1]) for event in events)
    table = _table("Events that flowed over Kafka", "event", "said by", "count", numbers=("count",))
    for (name, source), count in sorted(counts.items()):
        table.add_row(name, source, f"{count:,}")
    return table


def _newcomer(told: Told, events: Sequence[Envelope[Any]]) -> Table:
    """What was said about the stranger and its portfolio, in order, from the first word to the valuation."""
    portfolio, symbol = told.portfolios[NEWCOMER], told.stranger
    table = _table(
        f"{symbol}, which nobody knew: from request to ready", "after", "event", "said by", "says", numbers=("after",)
    )
    ours = [event for event in events if _is_about(event.event, symbol, portfolio)]
    ours.sort(key=lambda event: event.time)
    if not ours:
        return table
    began, ready = ours[0].time, False
    for event in ours:
        if ready and not isinstance(event.event, PortfolioRefreshed):
            continue
        table.add_row(
            f"{(event.time - began) / timedelta(milliseconds=1):,.0f} ms",
            event.type,
            event.source.rsplit("/", 1)[-1],
            _says(event.event),
        )
        if ready:
            break
        ready = isinstance(event.event, SymbolReady)
    return table


def _is_about(event: object, symbol: str, portfolio: str) -> bool:
    match event:
        case SymbolRequested() | SymbolReady() | SymbolFactorsUpdated():
            return event.symbol == symbol
        case PortfolioChanged() | PortfolioRefreshed():
            return str(event.portfolio) == portfolio
    return False


def _says(event: object) -> str:
    match event:
        case PortfolioChanged():
            return f"version {event.version}, from {event.first_affected_session}"
        case SymbolRequested():
            return event.symbol
        case SymbolFactorsUpdated():
            return f"{event.reason}, edition {event.edition}"
        case SymbolReady():
            return f"edition {event.edition}, {event.session}"
        case PortfolioRefreshed():
            return f"valuation {event.valuation}, cause {event.cause}, to {event.to_session}"
    return ""


def _pnl(told: Told) -> Table:
    table = _table(
        f"{SHOWN!r}, night by night (USD)", "session", "NAV", "P&L", "price", "dividend", "in kind", "return",
        numbers=("NAV", "P&L", "price", "dividend", "in kind", "return"),
    )  # fmt: skip
    for night, overview in told.overviews.items():
        data, pnl = overview["data"], overview["data"]["pnl"]
        table.add_row(
            str(night),
            f"{data['nav']:,.2f}",
            *(f"{pnl[part]:+,.2f}" for part in ("total", "price", "dividend", "in_kind")),
            "" if data["daily_return"] is None else f"{data['daily_return']:+.3%}",
        )
    return table


def _positions(told: Told) -> Table:
    table = _table(
        "Its positions after the last night", "symbol", "quantity", "price", "value", "weight", "P&L",
        numbers=("quantity", "price", "value", "weight", "P&L"),
    )  # fmt: skip
    last = list(told.overviews.values())[-1]
    for line in last["data"]["top_positions"]:
        table.add_row(
            line["symbol"],
            f"{line['quantity']:,.0f}",
            "" if line["price"] is None else f"{line['price']:,.2f}",
            f"{line['market_value']:,.2f}",
            "" if line["weight"] is None else f"{line['weight']:.1%}",
            f"{line['pnl']:+,.2f}",
        )
    return table


def _exposures(told: Told) -> Table:
    """The portfolio's exposures; the truth is the planted betas under the same weights."""
    table = _table(
        "Its exposures beside the planted truth", "factor", "planted", "estimate", "std. error", "coverage",
        numbers=("planted", "estimate", "std. error", "coverage"),
    )  # fmt: skip
    table.caption = (
        "The error takes the symbols' errors as independent. They share the factors left out of each regression, "
        "so a portfolio may be further off than three of them."
    )
    table.caption_justify = "left"
    lines = list(told.overviews.values())[-1]["data"]["top_positions"]
    whole = len(lines) == list(told.overviews.values())[-1]["data"]["positions"]
    for item in told.exposures["data"]["factors"]:
        planted = _planted(told.truth, lines, item["factor"]) if whole else None
        beta, error = item["beta"], item["standard_error"]
        table.add_row(
            item["name"],
            "" if planted is None else f"{planted:+.3f}",
            f"{beta:+.3f}" if beta is not None else str(item["reason"]),
            f"{error:.3f}" if error is not None else "",
            "" if item["coverage"] is None else f"{item['coverage']:.0%}",
        )
    return table


def _planted(truth: Mapping[str, Mapping[str, float]], lines: Sequence[Mapping[str, Any]], factor: str) -> float | None:
    terms = [(line["weight"], truth.get(line["symbol"], {}).get(factor)) for line in lines]
    if any(weight is None or beta is None for weight, beta in terms):
        return None
    return float(sum(weight * beta for weight, beta in terms))


def _betas(told: Told, estimates: list[Estimate]) -> Table:
    table = _table(
        f"Market betas of {ROWS_OF_BETAS} symbols", "symbol", "planted", "estimate", "std. error", "off by",
        numbers=("planted", "estimate", "std. error", "off by"),
    )  # fmt: skip
    shown = [e for e in estimates if e.factor == "market_beta" and e.factor in told.truth.get(e.symbol, {})]
    for estimate in shown[:: max(1, len(shown) // ROWS_OF_BETAS)][:ROWS_OF_BETAS]:
        planted = told.truth[estimate.symbol][estimate.factor]
        off = (estimate.beta - planted) / estimate.standard_error
        table.add_row(
            estimate.symbol,
            f"{planted:+.3f}",
            f"{estimate.beta:+.3f}",
            f"{estimate.standard_error:.3f}",
            f"{off:+.1f} se",
        )
    return table


def _say_share(console: Console, told: Told, estimates: list[Estimate]) -> bool:
    within, compared = share_within(estimates, told.truth)
    good = compared > 0 and within / compared >= REQUIRED_SHARE
    mark = "[green]✓[/green]" if good else "[red]✗[/red]"
    share = within / compared if compared else 0.0
    console.print(
        f"{mark} {within:,} of {compared:,} planted betas ({share:.2%}) are within {WITHIN:.0f} standard errors of "
        f"their estimate; at least {REQUIRED_SHARE:.0%} must be.\n"
    )
    return good


def _answers(told: Told) -> Table:
    table = _table("One question, asked over HTTP", "answered from", "milliseconds", numbers=("milliseconds",))
    names = {"miss": "computed (miss)", "redis": "Valkey (hit)", "process": "the process's own memory (hit, median)"}
    for layer, name in names.items():
        table.add_row(name, f"{told.times[layer] * 1000:.2f}")
    return table


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
