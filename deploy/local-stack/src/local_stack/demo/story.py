"""What happens in the demo: three nights, four portfolios, one of them with a symbol nobody knows yet."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

import httpx

from local_stack.demo.answer_times import answer_times
from local_stack.demo.heard import HeardEvents
from local_stack.demo.risk_sections import POSITIONS_SHOWN
from local_stack.errors import ServerFailed
from local_stack.narrator import Narrator
from local_stack.stack import Servers, Stack
from local_stack.system import System, shortly_before_the_night
from local_stack.up import synthetic_market
from riskstream_client import Analytics, Portfolios, ProblemReceived
from riskstream_client.analytics_models import (
    AttributionAnswer,
    FactorExposuresAnswer,
    Overview,
    Risk,
    RiskAnswer,
    StressTestAnswer,
    TradeWanted,
    VarAnswer,
    WhatIfAnswer,
    WhatIfParameters,
)
from riskstream_client.onboarding_bodies import NewPosition
from riskstream_client.onboarding_models import CreatedPortfolio

NIGHTS = (date(2026, 3, 10), date(2026, 3, 11), date(2026, 3, 12))

BOUGHT = date(2026, 1, 15)
EVERY_POSITION = 500
"""The most that an overview lists."""

SHOWN = "Growth and income"
NEWCOMER = "With a newcomer"

Found = TypeVar("Found")
PortfolioAnswer: TypeAlias = (
    FactorExposuresAnswer | RiskAnswer | VarAnswer | StressTestAnswer | AttributionAnswer | WhatIfAnswer
)


@dataclass
class Told:
    """What the demo has seen, for the tables at its end."""

    nights: list[dict[str, Any]] = field(default_factory=list)
    """symbol-batch's record of each night."""
    refreshes: list[dict[str, Any]] = field(default_factory=list)
    """portfolio-refresh's record of each run."""
    portfolios: dict[str, UUID] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    overviews: dict[date, dict[str, Any]] = field(default_factory=dict)
    """The shown portfolio's overview after each night."""
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What the API says of the shown portfolio after the last night, by measure."""
    truth: dict[str, dict[str, float]] = field(default_factory=dict)
    """Planted betas by symbol and factor."""
    truth_of_returns: dict[str, Any] = field(default_factory=dict)
    """What the planted returns are made of."""
    stranger: str = ""
    """The symbol nobody knew."""
    times: dict[str, float] = field(default_factory=dict)
    """Seconds of an answer by where it came from."""


class Demo:
    """Runs the story over real processes and keeps what it sees."""

    def __init__(self, folder: Path, narrator: Narrator, closing: ExitStack) -> None:
        self._folder = folder
        self._narrator = narrator
        self._closing = closing
        self.told = Told()
        self.system: System
        self.heard: HeardEvents

    def run(self) -> None:
        """All of it; raises ServerFailed where something did not come about in time."""
        self._bring_up()
        for night in NIGHTS:
            self._live_through(night)
        self._measure_answers()
        self._collect()

    def _bring_up(self) -> None:
        self._narrator.heading("Starting everything on this machine")
        servers = Servers(durable=False)
        stack = self._closing.enter_context(Stack())
        with self._narrator.step("Postgres, Valkey and Kafka"):
            stack.start(servers)
        with self._narrator.step("schemas and roles, topics, a synthetic market of 500 symbols"):
            clock = shortly_before_the_night(NIGHTS[0], seconds=0)
            self.system = self._closing.enter_context(
                System(
                    servers,
                    self._folder / "system",
                    clock=clock,
                    market=synthetic_market(NIGHTS[0]),
                    tuning={
                        "RISKSTREAM_RECONCILE_SECONDS": "0.5",
                        "RISKSTREAM_REQUEST_POLL_SECONDS": "0.5",
                        "RISKSTREAM_CHUNK_SYMBOLS": "50",
                    },
                )
            )
            listed = self._simulator("symbols")
            self.told.stranger = _a_stranger(listed)
            tonight = [item["symbol"] for item in listed if item["first_session"] <= str(NIGHTS[0])]
            self.system.add_symbols([symbol for symbol in tonight if symbol != self.told.stranger])
        self.heard = self._closing.enter_context(HeardEvents(servers.kafka.address))
        with self._narrator.step("symbol-batch, portfolio-refresh, onboarding, analytics"):
            self.system.start()

    def _live_through(self, night: date) -> None:
        self._narrator.heading(f"The night of {night:%A, %d %B %Y}")
        if night != NIGHTS[0]:
            with self._narrator.step("all services stopped and started again, a day later"):
                self.system.move_clock(shortly_before_the_night(night, seconds=8))
        with self._narrator.step("21:00 in New York: prices, checks, exposures, metrics, edition") as tell:
            run = self._wait_for(f"the night of {night}", lambda: self._finished_run(night, tell), seconds=240)
        self.told.nights.append(run)
        self._narrator.say(f"    [dim]{_night_line(run)}[/dim]")
        if night == NIGHTS[0]:
            self._create_portfolios()
        with self._narrator.step(f"every portfolio valued on {night}"):
            for name in self.told.portfolios:
                self._wait_for(f"{name!r} on {night}", partial(self._valued, name, night), seconds=60)
        with self._analytics(SHOWN) as analytics:
            overview = analytics.overview(self.told.portfolios[SHOWN], top=EVERY_POSITION)
        self.told.overviews[night] = overview.model_dump(mode="json")

    def _create_portfolios(self) -> None:
        listed = [item for item in self._simulator("symbols") if item["delisted"] is None]
        old = [item["symbol"] for item in listed if item["first_session"] < "2025-01-01" and item["type"] == "EQUITY"]
        known = [symbol for symbol in old if symbol != self.told.stranger]
        books: list[tuple[str, str, list[tuple[str, int]], str | None]] = [
            (SHOWN, "alice", [(symbol, 100) for symbol in known[:12]], None),
            ("Long and short", "alice", [(s, 80 if n % 2 else -80) for n, s in enumerate(known[10:22])], "400000.00"),
            ("One idea", "bob", [(known[25], 500)], "100000.00"),
            (NEWCOMER, "carol", [("SPY", 20), (self.told.stranger, 150)], "60000.00"),
        ]
        # As slow as a real provider may be: otherwise the stranger is there before the request is answered.
        self.system.set_faults({"kind": "latency", "milliseconds": 700, "symbols": [self.told.stranger]})
        for name, owner, holdings, equity in books:
            with self._narrator.step(f"portfolio {name!r} of {owner}, lots: {len(holdings)}"):
                lots = [
                    NewPosition(symbol=symbol, quantity=quantity, entry_price=100, entry_date=BOUGHT)
                    for symbol, quantity in holdings
                ]
                with self._portfolios(owner) as portfolios:
                    created = portfolios.create_portfolio(name, lots, declared_equity=equity)
            self.told.portfolios[name] = created.portfolio_id
            self.told.owners[name] = owner
            self._narrator.say(f"    [dim]{_status_line(created)}[/dim]")
        with self._narrator.step(f"{self.told.stranger}, unknown until now: from request to ready"):
            self._wait_for(f"{NEWCOMER!r} ready", lambda: self._status(NEWCOMER) == "ready", seconds=60)
        self.system.set_faults()

    def _measure_answers(self) -> None:
        self._narrator.heading("Asking")
        with self._narrator.step("the same question three ways"):
            self.told.times = answer_times(self.system, self._as_owner("bob"), self.told.portfolios["One idea"])
        shown = self.told.portfolios[SHOWN]
        with self._analytics(SHOWN) as analytics:
            with self._narrator.step("where the risk comes from, what may be lost, what made the P&L"):
                risk = analytics.risk(shown, top=POSITIONS_SHOWN)
                self._keep(
                    analytics.factor_exposures(shown),
                    risk,
                    analytics.var(shown),
                    analytics.stress_test(shown),
                    analytics.attribution(shown),
                )
            with self._narrator.step("what if the position that adds most risk were sold"):
                sale = sale_of_the_riskiest(risk.data, analytics.overview(shown, top=EVERY_POSITION).data)
                self._keep(analytics.what_if(shown, sale))

    def _collect(self) -> None:
        self.told.refreshes = self._get(f"{self.system.portfolio_refresh.url}/runs", self._as_operator())["runs"]
        self.told.truth = self._simulator("truth")["betas"]
        self.told.truth_of_returns = self._simulator("truth/returns")

    def _finished_run(self, night: date, tell: Callable[[str], None]) -> dict[str, Any] | None:
        url = f"{self.system.symbol_batch.url}/runs/{night}"
        answer = httpx.get(url, headers=self._as_operator(), timeout=10, trust_env=False)
        if not answer.is_success:
            return None
        run: dict[str, Any] = answer.json()
        tell(f"{run['fetched']} symbols asked for")
        if run["state"] == "running":
            return None
        if not run["state"].startswith("completed"):
            raise ServerFailed(f"the night of {night} is {run['state']}: {run['reason']}")
        return run

    def _valued(self, name: str, night: date) -> bool:
        try:
            with self._analytics(name) as analytics:
                return analytics.overview(self.told.portfolios[name]).as_of == night
        except (httpx.TimeoutException, ProblemReceived):  # who waits for it says how long
            return False

    def _status(self, name: str) -> str:
        with self._portfolios(self.told.owners[name]) as portfolios:
            return portfolios.read_status(self.told.portfolios[name]).status

    def _keep(self, *answers: PortfolioAnswer) -> None:
        for answer in answers:
            self.told.answers[answer.measure] = answer.model_dump(mode="json")

    def _portfolios(self, owner: str) -> Portfolios:
        return Portfolios(self.system.onboarding.url, self.system.issuer.token(owner))

    def _analytics(self, name: str) -> Analytics:
        return Analytics(self.system.analytics.url, self.system.issuer.token(self.told.owners[name]))

    def _simulator(self, what: str) -> Any:
        return self._get(f"{self.system.simulator.url}/_simulator/{what}")

    def _get(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
        answer = httpx.get(url, headers=headers, timeout=30, trust_env=False)
        answer.raise_for_status()
        return answer.json()

    def _as_owner(self, owner: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.system.issuer.token(owner)}"}

    def _as_operator(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.system.issuer.token('demo', ['operator'])}"}

    def _wait_for(self, what: str, look: Callable[[], Found | None], *, seconds: float) -> Found:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = look()
            if found:
                return found
            for service in self.system.services:
                if not service.running:
                    raise ServerFailed(f"{service.name} ended by itself; its last words:\n{service.last_words()}")
            time.sleep(0.1)
        raise ServerFailed(f"{what}: not within {seconds:.0f} s; the services' logs end with\n{self._last_words()}")

    def _last_words(self) -> str:
        return "\n".join(f"--- {service.name}\n{service.last_words()}" for service in self.system.services)


def sale_of_the_riskiest(risk: Risk, overview: Overview) -> WhatIfParameters:
    """The trade that closes all lots of the symbol that adds most to the volatility."""
    added = {line.symbol: line.contribution_usd for line in risk.positions}
    riskiest = max(added, key=lambda symbol: added[symbol])
    held = sum(line.quantity for line in overview.top_positions if line.symbol == riskiest)
    return WhatIfParameters(trades=[TradeWanted(symbol=riskiest, quantity=-held)])


def _a_stranger(listed: Sequence[Mapping[str, Any]]) -> str:
    """A stock with a long history, whose factor exposures can all be estimated."""
    stocks = [item for item in listed if item["type"] == "EQUITY" and item["delisted"] is None]
    return str(min(stocks, key=lambda item: (item["first_session"], item["symbol"]))["symbol"])


def _night_line(run: Mapping[str, Any]) -> str:
    counts = run["counts"]
    failures = ", ".join(f"{count} {outcome}" for outcome, count in counts["failures"].items()) or "none"
    return (
        f"{run['state']}: {counts['priced']} of {counts['active']} symbols priced (not priced: {failures}), "
        f"{counts['with_exposures']} with exposures"
    )


def _status_line(portfolio: CreatedPortfolio) -> str:
    pending = portfolio.pending_symbols
    return portfolio.status + (f", waiting for {', '.join(pending)}" if pending else "")
