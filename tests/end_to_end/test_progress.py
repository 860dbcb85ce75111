"""Progress as a person sees it while symbols come in: through either replica, refusals, a night, and a restart."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import date
from itertools import groupby, pairwise
from types import TracebackType
from typing import Any, Self

import httpx
import pytest

from chaos.system.processes import end_in_order, until
from local_stack.programs import Onboarding
from local_stack.system import RunningServers, System, shortly_before_the_night
from observer.tables import Tables
from riskstream.market.risk_factors import BENCHMARKS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FIRST, NEXT = date(2026, 3, 10), date(2026, 3, 11)
STRANGERS = 6
IN_EDITION = (
    "SELECT count(*) FROM symbols.symbol_daily_metrics m JOIN symbols.current_edition c USING (edition)"
    " WHERE m.symbol = ANY($1)"
)


@pytest.fixture(scope="module")
def listed() -> list[str]:
    """The market's companies, of which the last ones are strangers to the system; filled by `system`."""
    return []


@pytest.fixture(scope="module")
def system(servers: RunningServers, tmp_path_factory: pytest.TempPathFactory, listed: list[str]) -> Iterator[System]:
    with System(
        servers,
        tmp_path_factory.mktemp("system"),
        clock=shortly_before_the_night(FIRST, seconds=0),
        market=["--synthetic", "--seed", "17", "--symbols", "40", "--reference", str(FIRST)],
        tuning={
            "RISKSTREAM_RECONCILE_SECONDS": "0.3",
            "RISKSTREAM_CHUNK_SYMBOLS": "5",
            "RISKSTREAM_REQUEST_POLL_SECONDS": "0.3",
            "RISKSTREAM_REQUEST_RETRY_SECONDS": "1",
        },
        database_name="progress",
    ) as system:
        market = httpx.get(f"{system.simulator.url}/_simulator/symbols", timeout=30, trust_env=False).json()
        living = [item for item in market if item["first_session"] < "2025" and not item["delisted"]]
        listed += [item["symbol"] for item in living if item["symbol"] not in BENCHMARKS]
        system.add_symbols([*BENCHMARKS, *listed[:-STRANGERS]])
        system.start()
        Tables(system.database).wait(
            "the first night", "SELECT 1 FROM symbols.current_edition WHERE session = $1", FIRST
        )
        yield system


@pytest.fixture(scope="module")
def other(system: System) -> Onboarding:
    """A second replica of onboarding."""
    replica = system.replica(Onboarding)
    system.start(replica)
    return replica


class Following:
    """A person who looks at a portfolio's progress; `statuses` is all that was told, from the first to the end."""

    def __init__(self, onboarding: Onboarding, system: System, portfolio: str, last_event_id: str = "") -> None:
        self._address = f"{onboarding.url}/portfolios/{portfolio}/progress"
        self._headers = bearer(system) | ({"Last-Event-ID": last_event_id} if last_event_id else {})
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self.events: list[dict[str, str]] = []
        self.status_code = 0
        self.over = False

    @property
    def statuses(self) -> list[dict[str, Any]]:
        return [json.loads(event["data"]) for event in self.events if event["event"] in ("status", "end")]

    def ends(self, seconds: float = 60) -> None:
        until(f"the end of the stream, which told {self.events}", lambda: self.over, seconds)

    def _listen(self) -> None:
        with httpx.stream("GET", self._address, headers=self._headers, timeout=90, trust_env=False) as answer:
            self.status_code = answer.status_code
            event: dict[str, str] = {}
            for line in answer.iter_lines():
                if line and not line.startswith(":"):
                    name, _, value = line.partition(": ")
                    event[name] = value
                elif not line:
                    self.events += [event] if "event" in event else []
                    event = {}
        self.over = True

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.join(5)


def bearer(system: System) -> dict[str, str]:
    return {"Authorization": f"Bearer {system.issuer.token('alice')}"}


def create(system: System, *symbols: str) -> str:
    lots = [
        {"symbol": symbol, "quantity": "10", "entry_price": "100", "entry_date": "2026-02-02"} for symbol in symbols
    ]
    answer = httpx.post(
        f"{system.onboarding.url}/portfolios",
        json={"name": symbols[0], "positions": lots},
        headers=bearer(system),
        timeout=30,
        trust_env=False,
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["portfolio_id"])


def get(system: System, address: str) -> httpx.Response:
    return httpx.get(address, headers=bearer(system), timeout=30, trust_env=False)


def status(system: System, portfolio: str) -> dict[str, Any]:
    return dict(get(system, f"{system.onboarding.url}/portfolios/{portfolio}/status").json())


def test_it_is_told_by_a_replica_that_did_not_create_it_and_what_is_ready_is_counted(
    system: System, listed: list[str], other: Onboarding
) -> None:
    known, stranger = listed[0], listed[-1]
    system.set_faults({"kind": "refuse"})
    portfolio = create(system, known, stranger)
    with Following(other, system, portfolio) as told:
        until("a stream", lambda: bool(told.events), 20)
        system.set_faults()
        told.ends()
    assert told.statuses[0]["pending_symbols"] == [stranger]
    assert [status["status"] for status in told.statuses] == ["pending"] * (len(told.statuses) - 1) + ["ready"]
    assert told.events[-1]["event"] == "end"
    identities = [event["id"] for event in told.events]
    assert all(one != next_one for one, next_one in pairwise(identities))
    # Whoever asks when `ready` is said is answered by a valuation with the symbol in it.
    answer = get(system, f"{system.analytics.url}/api/v1/analytics/portfolio/{portfolio}/overview").json()
    assert answer["valuation"] >= told.statuses[-1]["valuation"]["valuation"]
    tables = Tables(system.database)
    head = "SELECT unknown_symbols FROM valuations.valuation_heads WHERE portfolio_id = $1"
    assert tables.value(head, portfolio) == []
    assert tables.value(IN_EDITION, [known, stranger]) == 2
    with Following(system.onboarding, system, portfolio, told.events[-1]["id"]) as again:
        again.ends()
    assert (again.status_code, again.events) == (204, [])


def test_a_replica_that_is_told_to_stop_says_so_to_who_listens_and_ends(
    system: System, listed: list[str], other: Onboarding
) -> None:
    system.set_faults({"kind": "refuse"})
    with Following(other, system, create(system, listed[-2])) as told:
        until("a stream", lambda: bool(told.events), 20)
        assert end_in_order(other, seconds=10) < 5
        told.ends(5)
    assert told.events[-1]["event"] == "interrupted"
    assert json.loads(told.events[-1]["data"])["code"] == "stopping"


def test_a_provider_that_refuses_keeps_it_pending_for_as_long_as_it_refuses(system: System, listed: list[str]) -> None:
    stranger = listed[-3]
    system.set_faults({"kind": "refuse"})
    portfolio = create(system, listed[1], stranger)
    with Following(system.onboarding, system, portfolio) as told:
        until(
            "a refusal",
            lambda: any(status["progress"][0]["last_outcome"] == "RATE_LIMITED" for status in told.statuses),
        )
        time.sleep(6)  # several attempts, were refusals to count as such
        shown = status(system, portfolio)
        system.set_faults()
        told.ends()
    [symbol] = shown["progress"]
    assert (shown["status"], symbol["last_outcome"]) == ("pending", "RATE_LIMITED")
    assert symbol["attempt"] <= 1
    assert (shown["failed_symbols"], shown["poll_after_ms"] > 0) == ([], True)
    assert [status["status"] for status in told.statuses] == ["pending"] * (len(told.statuses) - 1) + ["ready"]


def test_a_symbol_that_does_not_exist_is_an_error_and_the_rest_is_usable(system: System, listed: list[str]) -> None:
    portfolio = create(system, listed[2], "NOSUCH2")
    with Following(system.onboarding, system, portfolio) as told:
        told.ends()
    last = told.statuses[-1]
    assert (told.events[-1]["event"], last["status"], last["pending_symbols"]) == ("end", "error", [])
    assert [(failed["symbol"], failed["reason"]) for failed in last["failed_symbols"]] == [("NOSUCH2", "not_found")]
    assert get(system, f"{system.analytics.url}/api/v1/analytics/portfolio/{portfolio}/overview").status_code == 200


def test_with_a_night_at_the_same_moment_ready_is_said_of_the_right_edition_and_stays(
    system: System, listed: list[str]
) -> None:
    strangers, tables = listed[-6:-3], Tables(system.database)
    system.move_clock(shortly_before_the_night(NEXT, seconds=0), faults=[{"kind": "latency", "milliseconds": 400}])
    tables.wait(
        "the night begun",
        "SELECT 1 FROM symbols.run_fetches JOIN symbols.batch_runs USING (run_id)"
        " WHERE session = $1 AND state = 'running' LIMIT 1",
        NEXT,
    )
    portfolio = create(system, listed[3], *strangers)
    seen: list[tuple[dict[str, Any], bool]] = []

    def look() -> bool:
        # The edition before the status: what it contains by then, the status must know of.
        edition = tables.value("SELECT edition FROM symbols.current_edition")
        complete = tables.value(IN_EDITION, strangers) == len(strangers)
        shown = status(system, portfolio)
        same = tables.value("SELECT edition FROM symbols.current_edition") == edition
        seen.append((shown, complete and same))
        return bool(tables.value("SELECT 1 FROM symbols.current_edition WHERE session = $1", NEXT))

    with Following(system.onboarding, system, portfolio) as told:
        until("the night", look, seconds=90)
        told.ends()

    def settled() -> bool:
        look()
        shown, complete = seen[-1]
        return complete and shown["status"] == "ready" and shown["valuation"]["session"] == str(NEXT)

    # The night's edition was computed before the strangers came: they join it afterwards, and are awaited anew.
    until("the night's valuation with all symbols", settled, seconds=90)
    for _ in range(10):
        look()
    assert "error" not in {shown["status"] for shown, _ in seen}
    was_ready = False
    for shown, complete in seen:
        if shown["status"] == "pending" and was_ready and complete:
            states = {symbol["state"] for symbol in shown["progress"]}
            assert states == {"ready"}, f"taken back though all symbols are known: {shown}"
        was_ready = was_ready or shown["status"] == "ready"
    statuses = [status["status"] for status in told.statuses]
    assert statuses == ["pending"] * (len(statuses) - 1) + ["ready"]
    final = status(system, portfolio)
    assert (final["status"], final["valuation"]["session"]) == ("ready", str(NEXT))
    assert final["valuation"]["edition"] == tables.value("SELECT edition FROM symbols.current_edition")
    head = "SELECT unknown_symbols FROM valuations.valuation_heads WHERE portfolio_id = $1"
    assert tables.value(head, portfolio) == []
    words = [_in_short(shown) for shown, _ in seen]
    print("around the night:", [word for word, _ in groupby(words)])


def _in_short(shown: dict[str, Any]) -> str:
    states = ", ".join(f"{symbol['state']}" for symbol in shown["progress"])
    return f"{shown['status']} ({states})" if states else str(shown["status"])
