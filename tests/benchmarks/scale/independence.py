"""What the symbol layer does must not depend on how many portfolios there are: a night, counted beside few and many."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg

from benchmarks.bench import Bench
from benchmarks.exchange import Stocked, stocked
from local_stack.database import Database
from observer.tables import Tables

POSITIONS = 20
FEW = 100
TIMES = 100

_STATEMENT = re.compile(r"LOG:  (?:statement|execute [^:]+): (.*)")
_BY_THE_CLOCK = (
    "provider_limits",
    "update symbols.batch_runs set lease_until",
    "typeinfo_tree",
    "select t.oid,",
    "current_setting('jit')",
)
"""What goes with seconds, not with work: the pace that replicas exchange, a lease that is held for longer, and what a
new connection asks first."""
_SAYS_NOTHING = {"", "SELECT"}
_AROUND = {"begin;", "commit;", "rollback;"}
"""Around these as around the others: not counted, as what goes with seconds has them too."""


@dataclass(frozen=True)
class Counted:
    """One night."""

    portfolios: int
    seconds: float
    requests: dict[str, int]
    """By the provider's endpoint."""
    statements: int
    rows: dict[str, tuple[int, int, int]]
    """Inserted, updated and deleted, by table of the symbol layer; what was not touched is left out."""
    by_statement: Counter[str] = field(repr=False, default_factory=Counter)
    uncounted: Counter[str] = field(repr=False, default_factory=Counter)
    """Statements that go with the clock or are around others, by their first words."""


@dataclass(frozen=True)
class Independence:
    few: Counted
    many: Counted

    @property
    def differences(self) -> list[str]:
        """What was not the same; empty where the rule holds."""
        found = []
        if self.few.requests != self.many.requests:
            found.append(f"requests: {self.few.requests} and {self.many.requests}")
        if self.few.rows != self.many.rows:
            changed = {
                table: (self.few.rows.get(table), self.many.rows.get(table))
                for table in self.few.rows.keys() | self.many.rows.keys()
                if self.few.rows.get(table) != self.many.rows.get(table)
            }
            found.append(f"rows: {changed}")
        if self.few.by_statement != self.many.by_statement:
            more = (self.many.by_statement - self.few.by_statement) + (self.few.by_statement - self.many.by_statement)
            found.append(f"statements: {dict(more)}")
        return found

    def as_json(self) -> dict[str, Any]:
        return {
            "few": _shown(self.few),
            "many": _shown(self.many),
            "differences": self.differences,
        }


def measure(bench: Bench) -> Independence:
    """The same night by Yahoo's client, with some portfolios and with a hundred times as many."""
    stock = stocked(bench)
    few = bench.size(FEW, FEW // 10)
    return Independence(_night(bench, stock, few), _night(bench, stock, few * TIMES))


def _night(bench: Bench, stock: Stocked, portfolios: int) -> Counted:
    step = bench.narrator.step(f"a night beside {portfolios:,} portfolios of {POSITIONS} positions")
    with bench.database(stock.database) as database, step:
        asyncio.run(_fill(database, portfolios, stock.sessions[0]))
        before = _rows(database)
        log = bench.servers.postgres.folder / "postgres.log"
        begin = log.stat().st_size
        stock.exchange.forget()
        night = bench.run_program(
            "benchmarks.fetching_process",
            environment=bench.environment(database, "symbol_batch")
            | {"RISKSTREAM_YAHOO_URL": stock.exchange.url, "RISKSTREAM_PROVIDERS": "yahoo"},
        )
        asked = stock.exchange.asked()
        said, unsaid = _statements(log, begin)
        after = _rows(database)
    [run] = night["runs"]
    if run["state"] != "completed":
        raise RuntimeError(f"the night ended {run['state']}: {run['reason']}")
    return Counted(
        portfolios=portfolios,
        seconds=run["seconds"],
        requests=asked.endpoints,
        statements=said.total(),
        rows={
            table: (now[0] - then[0], 0 if table == "batch_runs" else now[1] - then[1], now[2] - then[2])
            for table, now in after.items()
            # A run's row is updated for its lease, too.
            if (then := before.get(table, (0, 0, 0))) != now and table != "provider_limits"
        },
        by_statement=said,
        uncounted=unsaid,
    )


async def _fill(database: Database, portfolios: int, first: date) -> None:
    """Portfolios of symbols that there are, and from now on a line of the log for every statement of symbol-batch."""
    connection = await asyncpg.connect(database.superuser_dsn)
    try:
        name = await connection.fetchval("SELECT current_database()")
        await connection.execute(f"ALTER ROLE symbol_batch IN DATABASE \"{name}\" SET log_statement = 'all'")
        await connection.execute(
            "INSERT INTO portfolios.portfolios"
            " (portfolio_id, owner_id, name, version, first_session, created_at, changed_at)"
            " SELECT gen_random_uuid(), 'owner-' || n % 1000, 'benchmark', 1, $2, now(), now()"
            " FROM generate_series(1, $1) AS n",
            portfolios,
            first,
        )
        await connection.execute(
            "INSERT INTO portfolios.positions (position_id, portfolio_id, owner_id, symbol, quantity, entry_price,"
            " entry_date, investment_class)"
            " SELECT gen_random_uuid(), p.portfolio_id, p.owner_id, s.symbol, 10, 100, $2, 'PUBLIC'"
            " FROM portfolios.portfolios AS p CROSS JOIN generate_series(1, $1) AS n"
            " JOIN (SELECT symbol, row_number() OVER (ORDER BY symbol) AS place, count(*) OVER () AS many"
            " FROM symbols.symbol_universe) AS s ON s.place = 1 + abs(hashtext(p.portfolio_id::text || n)) % s.many",
            POSITIONS,
            first,
        )
    finally:
        await connection.close()


def _rows(database: Database) -> dict[str, tuple[int, int, int]]:
    found = Tables(database).rows(
        "SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables WHERE schemaname = 'symbols'"
    )
    return {row["relname"]: (row["n_tup_ins"], row["n_tup_upd"], row["n_tup_del"]) for row in found}


def _statements(log: Path, begin: int) -> tuple[Counter[str], Counter[str]]:
    """The statements that the log has from `begin` on, by their first words: those that count, and the others."""
    with log.open(errors="replace") as lines:
        lines.seek(begin)
        every = Counter(_words(lines))
    others = Counter({words: count for words, count in every.items() if _is_uncounted(words)})
    return every - others, others


def _words(lines: Iterable[str]) -> Iterator[str]:
    """The first words of each statement, numbers left out; where the first line says nothing yet, with the next one."""
    begun: str | None = None
    for line in lines:
        found = _STATEMENT.search(line)
        if found is None and begun is None:
            continue
        said = found[1].strip() if found is not None else f"{begun} {line.strip()}".strip()
        begun = said if said in _SAYS_NOTHING else None
        if begun is None:
            yield re.sub(r"\d+", "?", said)[:90]


def _is_uncounted(words: str) -> bool:
    said = words.lower()
    return said in _AROUND or any(part in said for part in _BY_THE_CLOCK)


def _shown(counted: Counted) -> dict[str, Any]:
    return {
        "portfolios": counted.portfolios,
        "seconds": counted.seconds,
        "requests": counted.requests,
        "statements": counted.statements,
        "uncounted_statements": dict(counted.uncounted.most_common()),
        "rows": {table: sum(counts) for table, counts in sorted(counted.rows.items())},
    }
