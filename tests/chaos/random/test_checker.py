"""The checker finds each breach in an otherwise clean history, and nothing in the clean one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from chaos_story.calm import compared
from chaos_story.checker import findings
from chaos_story.evidence import Evidence
from chaos_story.history import Answered, Claims, Creation, Deletion, Edited, History
from chaos_story.ledger import Entry
from chaos_story.reads import Read
from chaos_story.topics import Heard

P, Q, RUN = UUID(int=1), UUID(int=2), UUID(int=3)
MONDAY, TUESDAY = date(2026, 3, 9), date(2026, 3, 10)


def heard(topic: str, key: str, number: int, offset: int, **body: Any) -> Heard:
    return Heard(topic, 0, offset, key, UUID(int=number), None, body)


def answer(shown: int | None = 2, **changed: Any) -> Answered:
    plain: dict[str, Any] = {
        "read": Read(0, P, 2, shown),
        "measure": "overview",
        "asked_at": 5.0,
        "answered_at": 5.1,
        "status": 200,
        "retry_after": False,
        "claims": Claims(2, 2, TUESDAY, 102.0),
    }
    return Answered(**(plain | changed))


def snapshot(session: date, nav: int, pnl: int) -> dict[str, Any]:
    amounts = {"nav": nav, "cash": nav - 50, "long_value": 60, "short_value": -10, "flow": 0, "cumulative_pnl": pnl}
    amounts |= {"pnl": pnl, "pnl_price": pnl, "pnl_dividend": 0, "pnl_in_kind": 0, "pnl_trading": 2, "fees": 2}
    return {"portfolio_id": P, "session": session} | {name: Decimal(amount) for name, amount in amounts.items()}


def clean() -> Evidence:
    """One portfolio created, edited and valued twice, another created and deleted, one symbol asked for."""
    history = History()
    history.answers = [answer(), answer()]
    history.creations = [Creation("a", "alice", ("SPY",), [201], {P}), Creation("b", "bob", (), [None, 201], {Q})]
    history.deletions = [Deletion(Q, "bob", 6.0, [204], 7.0)]
    history.edits = [
        Edited("c", P, "alice", "lot.close", 3.0, [None, 200], {2}, ready=True, done_at=4.0),
        Edited("d", P, "alice", "flow.add", 4.1, [422], refused=True),
    ]
    first = {"portfolio": str(P), "portfolio_version": 1, "valuation": 1, "edition": 1, "to_session": str(MONDAY)}
    second = {"portfolio": str(P), "portfolio_version": 2, "valuation": 2, "edition": 2, "to_session": str(TUESDAY)}
    events = [
        heard("portfolio.changed", str(P), 10, 0, portfolio=str(P), version=1),
        heard("portfolio.changed", str(Q), 11, 1, portfolio=str(Q), version=1),
        heard("portfolio.changed", str(Q), 12, 2, portfolio=str(Q), version=2),
        heard("portfolio.changed", str(P), 13, 3, portfolio=str(P), version=2),
        heard("portfolio.refreshed", str(P), 20, 0, **first),
        heard("portfolio.refreshed", str(P), 21, 1, **second),
        heard("portfolio.refreshed", str(P), 20, 2, **first),
        heard("symbol.requested", "SPY", 30, 0, symbol="SPY"),
        heard("symbol.ready", "SPY", 31, 0, symbol="SPY", edition=1),
        heard("symbol.batch.completed", str(MONDAY), 40, 0, edition=1),
        heard("symbol.batch.completed", str(TUESDAY), 41, 1, edition=2),
        heard("portfolio.refresh.completed", str(RUN), 50, 0, run=str(RUN)),
    ]
    when = datetime(2026, 3, 10, tzinfo=UTC)
    tables: dict[str, list[dict[str, Any]]] = {
        "portfolios": [
            {"portfolio_id": P, "version": 2, "deleted_at": None},
            {"portfolio_id": Q, "version": 2, "deleted_at": when},
        ],
        "creations": [
            {"idempotency_key": "key:a", "portfolio_id": P},
            {"idempotency_key": "key:b", "portfolio_id": Q},
        ],
        "changes": [
            {"portfolio_id": P, "version": 1, "action": "portfolio.create"},
            {"portfolio_id": Q, "version": 1, "action": "portfolio.create"},
            {"portfolio_id": Q, "version": 2, "action": "portfolio.delete"},
            {"portfolio_id": P, "version": 2, "action": "lot.close"},
        ],
        "heads": [
            {
                "portfolio_id": P,
                "valuation": 2,
                "portfolio_version": 2,
                "edition": 2,
                "session": TUESDAY,
                "unknown_symbols": ["GONE"],
            }
        ],
        "snapshots": [snapshot(MONDAY, 100, 0), snapshot(TUESDAY, 102, 2)],
        "editions": [{"edition": 1, "session": MONDAY}, {"edition": 2, "session": TUESDAY}],
        "current": [{"edition": 2, "session": TUESDAY}],
        "held": [{"symbol": "SPY"}, {"symbol": "GONE"}],
        "known": [{"symbol": "SPY"}],
        "requests": [{"symbol": "SPY", "state": "ready"}, {"symbol": "GONE", "state": "failed"}],
        "runs": [{"run_id": RUN, "remaining": 0, "finished_at": when}],
        "chunks": [{"run_id": RUN, "chunk": 0, "state": "done", "reason": None}],
        "failures": [],
    }
    return Evidence(
        history,
        events,
        tables,
        ledger={(P, 1): Entry(1, 1, MONDAY, 100.0), (P, 2): Entry(2, 2, TUESDAY, 102.0)},
        inbox={"changes": {UUID(int=number) for number in (10, 11, 12, 13)}},
        groups={"portfolio.changed": ["changes"]},
    )


def test_a_clean_history_has_no_findings() -> None:
    assert findings(clean()) == []


def _drop(evidence: Evidence, number: int) -> None:
    evidence.events = [event for event in evidence.events if event.event_id != UUID(int=number)]


def _say(evidence: Evidence, event: Heard) -> None:
    evidence.events = [*evidence.events, event]


def _answer(**changed: Any) -> Callable[[Evidence], None]:
    return lambda evidence: evidence.history.answered(answer(**changed))


def _set(table: str, place: int, **changed: Any) -> Callable[[Evidence], None]:
    return lambda evidence: dict.update(evidence.tables[table][place], changed)


def _add(table: str, row: dict[str, Any]) -> Callable[[Evidence], None]:
    return lambda evidence: list.append(evidence.tables[table], row)  # type: ignore[arg-type]


AT_ONE = Claims(1, 1, MONDAY, 100.0)
AGAIN = {"portfolio": str(P), "portfolio_version": 1, "valuation": 1, "edition": 1, "to_session": str(MONDAY)}

BREACHES: dict[str, tuple[Callable[[Evidence], object], str]] = {
    "an answer older than its head": (_answer(read=Read(1, P, 2, 1), claims=AT_ONE), "stale: client 1"),
    "an answer older than one before": (_answer(read=Read(0, P, None, 1), claims=AT_ONE), "back in time: client 0"),
    "a valuation that never was": (_answer(shown=3), "never committed"),
    "another NAV than the valuation's": (_answer(claims=Claims(2, 2, TUESDAY, 9.0)), "committed was"),
    "another edition than the valuation's": (_answer(claims=Claims(2, 3, TUESDAY, 102.0)), "committed was"),
    "a server error": (_answer(shown=None, claims=None, status=500), "status 500"),
    "a refusal that says not when": (_answer(shown=None, claims=None, status=503), "without Retry-After"),
    "a portfolio that is denied": (_answer(shown=None, claims=None, status=404), "nobody had deleted it"),
    "a valuation that is denied": (_answer(shown=None, claims=None, status=409), "not valued yet, and it was"),
    "an answer after the deletion": (
        _answer(read=Read(0, Q, None, None), claims=None, asked_at=8.0),
        "answered after it was deleted",
    ),
    "a creation that did not last": (lambda e: e.tables["creations"].pop(0), "stored as None"),  # type: ignore[attr-defined]
    "a portfolio twice": (lambda e: e.history.creations[0].ids.add(Q), "a was answered"),
    "a portfolio of nobody": (
        _add("portfolios", {"portfolio_id": UUID(int=9), "version": 1, "deleted_at": datetime.now(UTC)}),
        "nobody asked for",
    ),
    "a deletion that did not last": (_set("portfolios", 1, deleted_at=None), "did not last"),
    "a deletion by nobody": (lambda e: e.history.deletions.clear(), "nobody deleted"),
    "an edit that did not last": (_set("changes", 3, action="lot.add"), "that is lot.add"),
    "an edit that is no more": (lambda e: e.tables["changes"].pop(3), "that is None"),  # type: ignore[attr-defined]
    "an edit made twice": (lambda e: e.history.edits[0].versions.add(3), "was made 2 times"),
    "an edit by nobody": (_add("changes", {"portfolio_id": P, "version": 3, "action": "lot.close"}), "1 times more"),
    "an edit made though it was refused": (
        _add("changes", {"portfolio_id": P, "version": 3, "action": "flow.add"}),
        "flow.add of",
    ),
    "a version that is left out": (_set("portfolios", 0, version=3), "has the changes [1, 2]"),
    "an edit that is not seen": (_answer(read=Read(9, P, None, 1), claims=AT_ONE), "after version 2 was confirmed"),
    "an edit that was valued and is pending again": (
        _answer(read=Read(9, P, None, 1), claims=replace(AT_ONE, pending=True)),
        "after version 2 was confirmed",
    ),
    "a head that stays behind its version": (_set("portfolios", 0, version=3), "has head"),
    "a head that stays behind the edition": (_set("heads", 0, edition=1), "has head"),
    "a head of a deleted portfolio": (
        _add(
            "heads",
            {"portfolio_id": Q, "portfolio_version": 2, "edition": 2, "session": TUESDAY, "unknown_symbols": []},
        ),
        "still has a head",
    ),
    "a portfolio that could not be valued": (_add("failures", {"portfolio_id": P}), "not valued: "),
    "a broken chain": (_set("snapshots", 1, nav=Decimal(103), cash=Decimal(53)), "by P&L and flows 102"),
    "parts that are not the sum": (_set("snapshots", 1, cash=Decimal(51)), "are not its sum"),
    "a change never said": (lambda e: _drop(e, 12), "was never said"),
    "a change said and not made": (lambda e: e.tables["changes"].pop(0), "does not exist"),  # type: ignore[attr-defined]
    "a valuation never said": (lambda e: _drop(e, 21), "said as None"),
    "a request never answered": (lambda e: _drop(e, 31), "never answered"),
    "a request under way": (_set("requests", 0, state="queued"), "is still queued"),
    "a symbol that is held and forgotten": (_add("held", {"symbol": "LOST"}), "LOST is held"),
    "a head that ignores a known symbol": (_set("heads", 0, unknown_symbols=["SPY"]), "valued without SPY"),
    "a run without an end": (_set("runs", 0, remaining=1), "has not ended"),
    "a run whose end was not said": (lambda e: _drop(e, 50), "was never said"),
    "a run that ends twice": (
        lambda e: _say(e, heard("portfolio.refresh.completed", str(RUN), 51, 1, run=str(RUN))),
        "different completions",
    ),
    "a chunk that failed": (_set("chunks", 0, state="failed", reason="oh"), "is failed: oh"),
    "an edition never said": (lambda e: _drop(e, 41), "editions said"),
    "a session published twice": (_add("editions", {"edition": 3, "session": TUESDAY}), "published 2 times"),
    "two events of one fact": (
        lambda e: _say(e, heard("portfolio.refreshed", str(P), 29, 3, **AGAIN)),
        "different ids",
    ),
    "first occurrences out of order": (
        lambda e: setattr(e, "events", [_moved(event) for event in e.events]),
        "came as [2, 1]",
    ),
    "a cause that never was": (
        lambda e: _say(
            e, Heard("symbol.ready", 0, 1, "SPY", UUID(int=32), UUID(int=99), {"symbol": "SPY", "edition": 1})
        ),
        "which nobody said",
    ),
    "an event nobody dealt with": (lambda e: e.inbox["changes"].pop(), "has not dealt with 1 events"),
    "an outbox that does not empty": (lambda e: setattr(e, "outbox_rows", 2), "2 rows"),
    "a dead letter": (lambda e: _say(e, heard("portfolio.changed.x.dlq", "k", 60, 0, error="E")), "x.dlq: E"),
    "a process that ended": (lambda e: e.history.accident("analytics-1 ended by itself"), "ended by itself"),
}


def _moved(event: Heard) -> Heard:
    if event.topic == "portfolio.refreshed" and event.event_id == UUID(int=20):
        return Heard(event.topic, 0, event.offset + 5, event.key, event.event_id, None, event.body)
    return event


@pytest.mark.parametrize("what", BREACHES)
def test_the_checker_finds(what: str) -> None:
    breach, words = BREACHES[what]
    evidence = clean()
    breach(evidence)
    assert any(words in finding for finding in findings(evidence)), findings(evidence)


def test_a_recomputation_that_differs_in_the_last_bit_is_found() -> None:
    row = {"nav": Decimal("1.0000"), "daily_return": 0.1, "valuation": 4}
    key = (P, MONDAY)
    assert compared("snapshots", {key: row}, {key: row | {"valuation": 1}}) == []
    [found] = compared("snapshots", {key: row}, {key: row | {"daily_return": 0.1 + 2**-56}})
    assert "daily_return" in found
    assert len(compared("snapshots", {key: row}, {(Q, MONDAY): row})) == 2
    sectors = {key: row | {"sector": None}}, {key: row | {"sector": "Energy"}}
    assert compared("values", *sectors) == []
    assert len(compared("values", *reversed(sectors))) == 1


def _wipe(evidence: Evidence) -> None:
    """Everything was said to a Kafka that is no more."""
    evidence.era = 1


def test_what_went_down_with_a_kafka_may_stay_undone_and_unanswered() -> None:
    evidence = clean()
    evidence.groups = {"portfolio.changed": ["changes"], "symbol.requested": ["requests"]}
    evidence.inbox["changes"].pop()
    _say(evidence, heard("symbol.requested", "NEW", 33, 1, symbol="NEW"))
    assert len(findings(evidence)) == 3
    _wipe(evidence)
    assert findings(evidence) == []


def test_a_request_that_was_heard_is_answered_whatever_became_of_kafka() -> None:
    evidence = clean()
    evidence.groups = {"symbol.requested": ["requests"]}
    evidence.inbox["requests"] = {UUID(int=33)}
    _say(evidence, heard("symbol.requested", "NEW", 33, 1, symbol="NEW"))
    _wipe(evidence)
    assert any("NEW was requested and never answered" in finding for finding in findings(evidence))


def test_what_was_never_said_in_any_era_is_found() -> None:
    evidence = clean()
    _wipe(evidence)
    _drop(evidence, 21)
    assert any("said as None" in finding for finding in findings(evidence))


def test_first_occurrences_are_in_order_from_one_kafka_to_the_next() -> None:
    evidence = clean()
    evidence.era = 1
    first, second = (event for event in evidence.of("portfolio.refreshed")[:2])
    others = [event for event in evidence.events if event.topic != "portfolio.refreshed"]
    evidence.events = [*others, replace(first, offset=9), replace(second, era=1, offset=0)]
    assert findings(evidence) == []
    evidence.events = [*others, replace(first, era=1), second]
    assert any("came as [2, 1]" in finding for finding in findings(evidence))


def test_before_an_edit_is_confirmed_and_while_it_is_said_to_be_pending_the_older_version_may_be_shown() -> None:
    evidence = clean()
    evidence.history.edits[0].ready = False
    early = replace(answer(shown=1), read=Read(9, P, 1, 1), asked_at=3.9, claims=AT_ONE)
    waiting = replace(early, asked_at=4.1, claims=replace(AT_ONE, pending=True))
    evidence.history.answers = [early, waiting]
    assert findings(evidence) == []
    evidence.history.answers = [replace(waiting, claims=AT_ONE)]
    assert any("after version 2 was confirmed" in finding for finding in findings(evidence))
