"""The schema this service owns, and how it is brought to its newest form."""

from riskstream.database import migrations
from riskstream.runtime.clock import Clock

SCHEMA = "symbols"
PARTITIONED = ("market_data_cache", "symbol_factor_exposures")
"""Tables with a partition for every year."""


async def migrate(dsn: str, clock: Clock) -> None:
    """Migrate the schema as the migrator that `dsn` names; also adds the partitions of the years around today."""
    await migrations.upgrade(dsn, "symbol_batch", SCHEMA, partitioned=PARTITIONED, year=clock.today().year)
