"""The checker: what must hold after any story, judged from the evidence alone. Each check names every breach.

Of a Kafka that was wiped everything is demanded except that groups have dealt with what it held: what was said was
said in some era, once and in order, and the data come to the same without it.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any, TypeAlias
from uuid import UUID

from chaos_story.evidence import Evidence, Row
from chaos_story.history import Answered
from chaos_story.reads import stale, went_back

Breaches: TypeAlias = Iterator[str]

CALLERS = "key:"
"""Before the keys that callers chose, where creations are stored."""

NO_EDITS = {"portfolio.create", "portfolio.delete"}
"""Actions of the change log that are looked at as creations and deletions."""

SAID_ONCE = {
    "portfolio.changed": "version",
    "portfolio.refreshed": "valuation",
    "symbol.factors.updated": "edition",
    "symbol.batch.completed": "edition",
    "portfolio.refresh.completed": "run",
}
"""Topic to the field that, with the key, names a fact: one event id each, however often it was published."""

CONTIGUOUS = {"portfolio.changed": "version", "portfolio.refreshed": "valuation"}
ASCENDING = {"symbol.factors.updated": "edition", "symbol.ready": "edition", "symbol.batch.completed": "edition"}


def findings(evidence: Evidence) -> list[str]:
    """All breaches of all checks, each with the name of its check."""
    return [f"{name}: {breach}" for name, check in CHECKS.items() for breach in check(evidence)]


def nothing_happened_by_itself(evidence: Evidence) -> Breaches:
    yield from evidence.history.accidents


def no_answer_is_old(evidence: Evidence) -> Breaches:
    reads = [answer.read for answer in evidence.history.answers]
    yield from stale(reads)
    yield from went_back(reads)


def every_answer_is_a_committed_valuation(evidence: Evidence) -> Breaches:
    for answer in evidence.history.answers:
        if answer.claims is None or answer.read.shown is None:
            continue
        entry = evidence.ledger.get((answer.read.portfolio, answer.read.shown))
        if entry is None:
            yield f"valuation {answer.read.shown} of {answer.read.portfolio} was shown and never committed"
            continue
        claims = answer.claims
        same_nav = claims.nav is None or claims.nav == entry.nav
        if (claims.portfolio_version, claims.edition, claims.session) != (
            entry.portfolio_version,
            entry.edition,
            entry.session,
        ) or not same_nav:
            yield f"{answer.measure} of {answer.read.portfolio} shows {claims}, committed was {entry}"


def requests_are_answered_or_refused_in_order(evidence: Evidence) -> Breaches:
    asked: dict[UUID, float] = {}
    done: dict[UUID, float] = {}
    for deletion in evidence.history.deletions:
        asked.setdefault(deletion.portfolio, deletion.asked_at)
        if deletion.done_at is not None:
            done.setdefault(deletion.portfolio, deletion.done_at)
    for answer in evidence.history.answers:
        breach = _refusal_breach(answer, asked.get(answer.read.portfolio), done.get(answer.read.portfolio))
        if breach:
            yield f"client {answer.read.client}, {answer.measure} of {answer.read.portfolio}: {breach}"


def _refusal_breach(answer: Answered, deletion_asked: float | None, deleted: float | None) -> str | None:
    match answer.status:
        case None:
            return None
        case 200:
            return "answered after it was deleted" if deleted is not None and answer.asked_at > deleted else None
        case 404:
            may = deletion_asked is not None and deletion_asked < answer.answered_at
            return None if may else "not found, and nobody had deleted it"
        case 409:
            valued = answer.read.head_before is not None
            return "not valued yet, and it was" if valued else None
        case 503:
            return None if answer.retry_after else "503 without Retry-After"
        case other:
            return f"status {other}"


def what_was_created_and_deleted_is_so(evidence: Evidence) -> Breaches:
    portfolios = {row["portfolio_id"]: row for row in evidence.tables["portfolios"]}
    by_key = {row["idempotency_key"].removeprefix(CALLERS): row["portfolio_id"] for row in evidence.tables["creations"]}
    for creation in evidence.history.creations:
        stored = by_key.get(creation.key)
        if creation.ids and creation.ids != {stored}:
            yield f"{creation.key} was answered {sorted(map(str, creation.ids))} and stored as {stored}"
    for portfolio in portfolios.keys() - set(by_key.values()):
        yield f"nobody asked for portfolio {portfolio}"
    deletions = evidence.history.deletions
    for deletion in deletions:
        row = portfolios.get(deletion.portfolio)
        if deletion.done_at is not None and (row is None or row["deleted_at"] is None):
            yield f"the deletion of {deletion.portfolio} was confirmed and did not last"
    for portfolio in {p for p, row in portfolios.items() if row["deleted_at"]} - {d.portfolio for d in deletions}:
        yield f"nobody deleted {portfolio}"


def what_was_edited_is_so(evidence: Evidence) -> Breaches:
    """Each edit was made as often as it was asked for: once where it was confirmed, at most once where it was not."""
    logged = {(row["portfolio_id"], row["version"]): row["action"] for row in evidence.tables["changes"]}
    edits = evidence.history.edits
    for edit in edits:
        if len(edit.versions) > 1:
            yield f"{edit.key} was made {len(edit.versions)} times, as versions {sorted(edit.versions)}"
        for version in edit.versions:
            action = logged.get((edit.portfolio, version))
            if action != edit.action:
                yield f"{edit.key}, {edit.action}, was answered version {version} of {edit.portfolio}: that is {action}"
    made = Counter((portfolio, action) for (portfolio, _), action in logged.items() if action not in NO_EDITS)
    asked = Counter((edit.portfolio, edit.action) for edit in edits if not edit.refused)
    for (portfolio, action), times in (made - asked).items():
        yield f"{action} of {portfolio} was made {times} times more than it was asked for"


def versions_follow_one_another(evidence: Evidence) -> Breaches:
    logged: defaultdict[UUID, list[int]] = defaultdict(list)
    for row in evidence.tables["changes"]:
        logged[row["portfolio_id"]].append(row["version"])
    for row in evidence.tables["portfolios"]:
        versions = sorted(logged[row["portfolio_id"]])
        if versions != list(range(1, row["version"] + 1)):
            yield f"portfolio {row['portfolio_id']} at version {row['version']} has the changes {versions}"


def who_edited_sees_it_or_is_told_to_wait(evidence: Evidence) -> Breaches:
    """An answer asked for after an edit was confirmed counts it, or says that a newer version is pending.

    Where the edit was confirmed as valued already, it counts it.
    """
    confirmed: defaultdict[UUID, list[tuple[float, int, bool]]] = defaultdict(list)
    for edit in evidence.history.edits:
        if edit.done_at is not None:
            confirmed[edit.portfolio] += [(edit.done_at, version, edit.ready) for version in edit.versions]
    for answer in evidence.history.answers:
        claims = answer.claims
        if claims is None:
            continue
        for done_at, version, ready in confirmed[answer.read.portfolio]:
            if done_at < answer.asked_at and claims.portfolio_version < version and (ready or not claims.pending):
                yield (
                    f"client {answer.read.client} was shown version {claims.portfolio_version} of "
                    f"{answer.read.portfolio} as the newest, after version {version} was confirmed"
                )


def every_portfolio_is_valued_at_version_and_edition(evidence: Evidence) -> Breaches:
    heads = {row["portfolio_id"]: row for row in evidence.tables["heads"]}
    current = evidence.tables["current"][0] if evidence.tables["current"] else None
    for row in evidence.tables["portfolios"]:
        head = heads.pop(row["portfolio_id"], None)
        if row["deleted_at"] is not None:
            if head is not None:
                yield f"deleted portfolio {row['portfolio_id']} still has a head"
        elif current is not None and (
            head is None
            or (head["portfolio_version"], head["edition"], head["session"])
            != (row["version"], current["edition"], current["session"])
        ):
            yield f"portfolio {row['portfolio_id']} at version {row['version']} has head {head}, current is {current}"
    for portfolio in heads:
        yield f"a head of a portfolio that does not exist: {portfolio}"
    for failure in evidence.tables["failures"]:
        yield f"not valued: {failure}"


def the_nav_chain_closes(evidence: Evidence) -> Breaches:
    snapshots: defaultdict[UUID, list[Row]] = defaultdict(list)
    for row in evidence.tables["snapshots"]:
        snapshots[row["portfolio_id"]].append(row)
    for portfolio, rows in snapshots.items():
        for row in rows:
            parts = row["pnl_price"] + row["pnl_dividend"] + row["pnl_in_kind"] + row["pnl_trading"] - row["fees"]
            if row["nav"] != row["cash"] + row["long_value"] + row["short_value"] or row["pnl"] != parts:
                yield f"the parts of {portfolio} on {row['session']} are not its sum"
        for before, after in pairwise(rows):
            earned: Decimal = before["nav"] + after["pnl"] + after["flow"]
            if after["nav"] != earned or after["cumulative_pnl"] != before["cumulative_pnl"] + after["pnl"]:
                yield f"NAV of {portfolio} on {after['session']} is {after['nav']}, by P&L and flows {earned}"


def every_change_is_said_and_folded(evidence: Evidence) -> Breaches:
    said = {(event.body["portfolio"], event.body["version"]) for event in evidence.of("portfolio.changed")}
    stored = {(str(row["portfolio_id"]), row["version"]) for row in evidence.tables["changes"]}
    for change in sorted(stored - said):
        yield f"version {change[1]} of {change[0]} was never said"
    for change in sorted(said - stored):
        yield f"version {change[1]} of {change[0]} was said and does not exist"


def every_valuation_is_said(evidence: Evidence) -> Breaches:
    said = {
        (UUID(event.body["portfolio"]), event.body["valuation"]): (
            event.body["portfolio_version"],
            event.body["edition"],
            event.body["to_session"],
        )
        for event in evidence.of("portfolio.refreshed")
    }
    for key, entry in evidence.ledger.items():
        committed = (entry.portfolio_version, entry.edition, str(entry.session))
        if said.get(key) != committed:
            yield f"valuation {key[1]} of {key[0]} was committed as {committed} and said as {said.get(key)}"
    for portfolio, valuation in said.keys() - evidence.ledger.keys():
        yield f"valuation {valuation} of {portfolio} was said and never committed"


def every_requested_symbol_is_answered(evidence: Evidence) -> Breaches:
    answered = {event.body["symbol"] for topic in ("symbol.ready", "symbol.failed") for event in evidence.of(topic)}
    lost = unheard(evidence)
    asked = {event.body["symbol"] for event in evidence.of("symbol.requested") if event.event_id not in lost}
    for symbol in sorted(asked - answered):
        yield f"{symbol} was requested and never answered"
    for request in evidence.tables["requests"]:
        if request["state"] not in ("ready", "failed"):
            yield f"the request for {request['symbol']} is still {request['state']}"


def every_held_symbol_is_known_or_cannot_be(evidence: Evidence) -> Breaches:
    known = {row["symbol"] for row in evidence.tables["known"]}
    failed = {row["symbol"] for row in evidence.tables["requests"] if row["state"] == "failed"}
    for symbol in sorted({row["symbol"] for row in evidence.tables["held"]} - known - failed):
        yield f"{symbol} is held, is in no edition and has not failed"
    for head in evidence.tables["heads"]:
        for symbol in sorted(known.intersection(head["unknown_symbols"])):
            yield f"portfolio {head['portfolio_id']} is valued without {symbol}, which is known"


def every_run_ends_once(evidence: Evidence) -> Breaches:
    completed = Counter(event.event_id for event in evidence.of("portfolio.refresh.completed"))
    by_run = Counter(event.body["run"] for event in evidence.of("portfolio.refresh.completed"))
    for run in evidence.tables["runs"]:
        if run["remaining"] != 0 or run["finished_at"] is None:
            yield f"run {run['run_id']} has not ended: {run}"
        if not by_run[str(run["run_id"])]:
            yield f"the end of run {run['run_id']} was never said"
    if len(completed) > len(by_run):
        yield f"{len(by_run)} runs have {len(completed)} different completions"
    for chunk in evidence.tables["chunks"]:
        if chunk["state"] != "done":
            yield f"chunk {chunk['chunk']} of {chunk['run_id']} is {chunk['state']}: {chunk['reason']}"


def every_edition_is_published_once(evidence: Evidence) -> Breaches:
    sessions = Counter(row["session"] for row in evidence.tables["editions"])
    yield from (f"{session} was published {times} times" for session, times in sessions.items() if times > 1)
    said = {event.body["edition"] for event in evidence.of("symbol.batch.completed")}
    stored = {row["edition"] for row in evidence.tables["editions"]}
    if said != stored:
        yield f"editions said {sorted(said)}, stored {sorted(stored)}"


def each_fact_has_one_event(evidence: Evidence) -> Breaches:
    for topic, name in SAID_ONCE.items():
        ids: defaultdict[tuple[str, Any], set[UUID]] = defaultdict(set)
        for event in evidence.of(topic):
            ids[event.key, event.body[name]].add(event.event_id)
        for (key, fact), different in ids.items():
            if len(different) > 1:
                yield f"{topic} of {key}, {name} {fact}, has {len(different)} different ids"


def first_occurrences_are_in_order(evidence: Evidence) -> Breaches:
    for topic, name in (CONTIGUOUS | ASCENDING).items():
        seen: set[UUID] = set()
        first: defaultdict[str, list[int]] = defaultdict(list)
        partitions: defaultdict[str, set[int]] = defaultdict(set)
        for event in evidence.of(topic):
            partitions[event.key].add(event.partition)
            if event.event_id not in seen:
                first[event.key].append(event.body[name])
            seen.add(event.event_id)
        for key, numbers in first.items():
            wanted = list(range(1, len(numbers) + 1)) if topic in CONTIGUOUS else sorted(numbers)
            if numbers != wanted or len(partitions[key]) > 1:
                yield f"{topic} of {key} came as {numbers} on partitions {sorted(partitions[key])}"


def every_cause_was_said(evidence: Evidence) -> Breaches:
    said = {event.event_id for event in evidence.events}
    for event in evidence.events:
        if event.cause is not None and event.cause not in said:
            yield f"{event.topic} of {event.key} follows from {event.cause}, which nobody said"


def every_event_is_dealt_with(evidence: Evidence) -> Breaches:
    for topic, group, event_ids in undone(evidence):
        yield f"{group} has not dealt with {len(event_ids)} events of {topic}, {min(event_ids)} among them"


def undone(evidence: Evidence) -> Iterator[tuple[str, str, set[UUID]]]:
    """Topic, group and the events of the Kafka that runs of which the group's inbox knows nothing."""
    for topic, groups in evidence.groups.items():
        said = {event.event_id for event in evidence.of(topic) if event.era == evidence.era}
        for group in groups:
            left = said - evidence.inbox.get(group, set())
            if left:
                yield topic, group, left


def unheard(evidence: Evidence) -> set[UUID]:
    """Events that went down with a wiped Kafka before their group had dealt with them."""
    there = {event.event_id for event in evidence.events if event.era == evidence.era}
    heard = set().union(*evidence.inbox.values())
    return {event.event_id for event in evidence.events if evidence.groups.get(event.topic)} - there - heard


def nothing_is_left_in_an_outbox(evidence: Evidence) -> Breaches:
    if evidence.outbox_rows:
        yield f"{evidence.outbox_rows} rows"


def no_letter_is_dead(evidence: Evidence) -> Breaches:
    for event in evidence.events:
        if event.topic.endswith(".dlq"):
            yield f"{event.topic}: {event.body.get('error')}: {str(event.body.get('detail'))[:300]}"


CHECKS: dict[str, Callable[[Evidence], Breaches]] = {
    check.__name__.replace("_", " "): check
    for check in (
        nothing_happened_by_itself,
        no_answer_is_old,
        every_answer_is_a_committed_valuation,
        requests_are_answered_or_refused_in_order,
        what_was_created_and_deleted_is_so,
        what_was_edited_is_so,
        versions_follow_one_another,
        who_edited_sees_it_or_is_told_to_wait,
        every_portfolio_is_valued_at_version_and_edition,
        the_nav_chain_closes,
        every_change_is_said_and_folded,
        every_valuation_is_said,
        every_requested_symbol_is_answered,
        every_held_symbol_is_known_or_cannot_be,
        every_run_ends_once,
        every_edition_is_published_once,
        each_fact_has_one_event,
        first_occurrences_are_in_order,
        every_cause_was_said,
        every_event_is_dealt_with,
        nothing_is_left_in_an_outbox,
        no_letter_is_dead,
    )
}
