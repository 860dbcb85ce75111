"""Waiting, after the last fault, until the system has nothing left to do."""

import time
from collections.abc import Iterator

from chaos_story.checker import undone
from chaos_story.evidence import Evidence, count_outbox, read_inbox, read_tables
from chaos_story.ledger import read_ledger
from chaos_story.world import World
from local_stack.system import TOPICS_FILE
from riskstream.messaging.topics import load_topics

SETTLES_WITHIN = 150.0

BEHIND = """
SELECT count(*) FROM portfolios.portfolios p CROSS JOIN symbols.current_edition e
LEFT JOIN valuations.valuation_heads h USING (portfolio_id)
WHERE CASE WHEN p.deleted_at IS NOT NULL THEN h.portfolio_id IS NOT NULL
    ELSE h.portfolio_id IS NULL OR (h.portfolio_version, h.edition) <> (p.version, e.edition) END
"""

# Waited for where their requests, or the answers, went down with a Kafka: only the sweepers bring them in then.
FORGOTTEN = """
SELECT count(DISTINCT l.symbol) FROM portfolios.positions l JOIN portfolios.portfolios p USING (portfolio_id)
WHERE p.deleted_at IS NULL AND l.deleted_version IS NULL AND l.investment_class = 'PUBLIC'
    AND NOT EXISTS (SELECT FROM symbols.symbol_daily_metrics m JOIN symbols.current_edition USING (edition)
        WHERE m.symbol = l.symbol)
    AND NOT EXISTS (SELECT FROM symbols.symbol_requests r WHERE r.symbol = l.symbol AND r.state = 'failed')
"""
BLIND = """
SELECT count(*) FROM valuations.valuation_heads h WHERE EXISTS (
    SELECT FROM symbols.symbol_daily_metrics m JOIN symbols.current_edition USING (edition)
    WHERE m.symbol = ANY(h.unknown_symbols))
"""

UNFINISHED = {
    "the night is not published": "SELECT 1 - count(*) FROM symbols.current_edition WHERE session = $1",
    "portfolios are behind": BEHIND,
    "symbols are forgotten": FORGOTTEN,
    "portfolios are valued without symbols that are known": BLIND,
    "symbols are waited for": "SELECT count(*) FROM symbols.symbol_requests WHERE state NOT IN ('ready', 'failed')",
    "runs have not ended": "SELECT count(*) FROM valuations.refresh_runs WHERE finished_at IS NULL",
}


def settle(world: World, seconds: float = SETTLES_WITHIN) -> Evidence:
    """The evidence as soon as nothing is left to be done, or when the time is over."""
    deadline = time.monotonic() + seconds
    while left := list(_unfinished(world)):
        if time.monotonic() > deadline:
            world.history.accident(f"after {seconds:.0f} s of calm: {'; '.join(left)}")
            break
        time.sleep(0.5)
    evidence = collect(world)
    while any(undone(evidence)) and time.monotonic() < deadline:
        time.sleep(1)
        evidence = collect(world)
    evidence.events = [*world.eras.earlier(_topic_names()), *evidence.events]
    return evidence


def collect(world: World) -> Evidence:
    """Everything as it is now, of the Kafka that runs now."""
    tables = world.tables
    return Evidence(
        world.history,
        events=world.eras.present(_topic_names()),
        tables=read_tables(tables),
        ledger=read_ledger(tables),
        inbox=read_inbox(tables),
        outbox_rows=count_outbox(tables),
        groups={topic.name: topic.groups for topic in load_topics(TOPICS_FILE).topics},
        era=world.eras.number,
    )


def _topic_names() -> list[str]:
    return [topic.name for topic in load_topics(TOPICS_FILE).every_topic()]


def _unfinished(world: World) -> Iterator[str]:
    tables = world.tables
    for what, sql in UNFINISHED.items():
        count = tables.value(sql, *([world.session] if "$1" in sql else []))
        if count:
            yield f"{what} ({count})"
    rows = count_outbox(tables)
    if rows:
        yield f"events are not published ({rows})"
