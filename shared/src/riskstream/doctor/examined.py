"""What a service tells the doctor about itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from importlib.resources import files

from riskstream.doctor.check import Check

ENTRY_POINTS = "riskstream.doctor"


@dataclass(frozen=True)
class ExaminedService:
    """A service with a role in the database; one that owns tables has a schema too."""

    name: str
    role: str
    """Its login; the doctor looks for its address in `RISKSTREAM_<ROLE>_DSN`."""
    package: str
    schema: str | None = None
    """Owned by it: with an Alembic history in `package`, an outbox, and the file `grants.txt`."""
    partitioned: Sequence[str] = ()
    """Tables with a partition for every year."""
    checks: Sequence[Check] = ()
    """What only this service knows how to look at."""

    @property
    def migrate_command(self) -> str:
        return f"RISKSTREAM_MIGRATOR_DSN=… {self.name} migrate"

    def declared_grants(self) -> frozenset[str]:
        """The lines of `grants.txt`: what migrations grant on the schema, as `riskstream.doctor.grants` spells it."""
        lines = (files(self.package) / "grants.txt").read_text(encoding="utf-8").splitlines()
        return frozenset(line for line in lines if line and not line.startswith("#"))


def installed_services() -> tuple[ExaminedService, ...]:
    """Those of the installed packages, by name."""
    found = [entry.load() for entry in entry_points(group=ENTRY_POINTS)]
    return tuple(sorted(found, key=lambda service: str(service.name)))
