"""The tables at the demo's end: what ran, what flowed, what came out and whether it is right."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from local_stack.demo import risk_sections, sections
from local_stack.demo.planted import WITHIN, Estimate, planted_volatility, share_within
from local_stack.demo.section import Section
from local_stack.demo.story import NEWCOMER, SHOWN, Told
from local_stack.demo.terminal import shown
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
    for section in sections_of(told):
        console.print(shown(section))
    console.print(_betas(told, estimates))
    good = _say_share(console, told, estimates)
    console.print(_answers(told))
    return good


def sections_of(told: Told) -> list[Section]:
    """All that is told about the shown portfolio, in the order in which it is read."""
    answers, overview = told.answers, list(told.overviews.values())[-1]
    held: dict[str, float] = defaultdict(float)
    for line in overview["data"]["top_positions"]:
        held[line["symbol"]] += line["market_value"]
    return [
        sections.pnl_by_night(SHOWN, told.overviews),
        sections.positions(told.overviews),
        sections.exposures(answers["factor-exposures"], overview, told.truth),
        risk_sections.volatility(answers["risk"], planted_volatility(told.truth_of_returns, held)),
        risk_sections.risk_by_factor(answers["risk"]),
        risk_sections.risk_by_position(answers["risk"]),
        risk_sections.value_at_risk(answers["var"]),
        risk_sections.stress(answers["stress-test"]),
        sections.attribution(answers["attribution"]),
        sections.what_if(answers["what-if"]),
    ]


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


def _is_about(event: object, symbol: str, portfolio: UUID) -> bool:
    match event:
        case SymbolRequested() | SymbolReady() | SymbolFactorsUpdated():
            return event.symbol == symbol
        case PortfolioChanged() | PortfolioRefreshed():
            return event.portfolio == portfolio
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
