"""All that the checker is given: the history, what the broker holds, and the tables as they were in the end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from chaos_story.history import History
from chaos_story.ledger import Entry
from chaos_story.topics import Heard
from observer.tables import Tables

Row = Mapping[str, Any]

TABLES = {
    "portfolios": "SELECT portfolio_id, owner_id, name, version, deleted_at FROM portfolios.portfolios",
    "creations": "SELECT owner_id, idempotency_key, portfolio_id FROM portfolios.creations"
    " WHERE operation = 'portfolio.create'",
    "changes": "SELECT portfolio_id, version, action FROM portfolios.portfolio_changes",
    "heads": "SELECT portfolio_id, valuation, portfolio_version, edition, session, unknown_symbols"
    " FROM valuations.valuation_heads",
    "snapshots": "SELECT * FROM valuations.portfolio_snapshots ORDER BY portfolio_id, session",
    "editions": "SELECT edition, session, run_id FROM symbols.editions ORDER BY edition",
    "current": "SELECT edition, session FROM symbols.current_edition",
    "revisions": "SELECT edition, symbol, prices_revised_from FROM symbols.revisions",
    "held": "SELECT DISTINCT symbol FROM portfolios.positions JOIN portfolios.portfolios USING (portfolio_id)"
    " WHERE deleted_at IS NULL AND deleted_version IS NULL AND investment_class = 'PUBLIC'",
    "known": "SELECT symbol FROM symbols.symbol_daily_metrics JOIN symbols.current_edition USING (edition)",
    "requests": "SELECT symbol, state FROM symbols.symbol_requests",
    "runs": "SELECT run_id, cause, chunks, remaining, finished_at FROM valuations.refresh_runs",
    "chunks": "SELECT run_id, chunk, state, reason FROM valuations.refresh_chunks",
    "failures": "SELECT portfolio_id, reason, detail FROM valuations.refresh_failures",
}
SCHEMAS = ("symbols", "portfolios", "valuations")


@dataclass
class Evidence:
    """What a story left behind. `tables` by the names of `TABLES`; `inbox` the event ids by consumer group."""

    history: History
    events: Sequence[Heard] = ()
    tables: Mapping[str, Sequence[Row]] = field(default_factory=lambda: dict.fromkeys(TABLES, ()))
    ledger: Mapping[tuple[UUID, int], Entry] = field(default_factory=dict)
    inbox: Mapping[str, set[UUID]] = field(default_factory=dict)
    outbox_rows: int = 0
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Who must have dealt with every event of a topic."""
    era: int = 0
    """Of the Kafka that runs in the end."""

    def of(self, topic: str) -> list[Heard]:
        """The topic's records in the order of their partitions, of one Kafka after the other."""
        return sorted(
            (one for one in self.events if one.topic == topic), key=lambda one: (one.era, one.partition, one.offset)
        )


def read_tables(tables: Tables) -> dict[str, Sequence[Row]]:
    return {name: [dict(row) for row in tables.rows(sql)] for name, sql in TABLES.items()}


def read_inbox(tables: Tables) -> dict[str, set[UUID]]:
    inbox: dict[str, set[UUID]] = {}
    for schema in SCHEMAS:
        for row in tables.rows(f"SELECT consumer, event_id FROM {schema}.inbox"):
            inbox.setdefault(row["consumer"], set()).add(row["event_id"])
    return inbox


def count_outbox(tables: Tables) -> int:
    return sum(int(tables.value(f"SELECT count(*) FROM {schema}.outbox")) for schema in SCHEMAS)
