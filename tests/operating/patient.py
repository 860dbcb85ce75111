"""What the doctor is sent to: a system's addresses, and ways to break it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
from pydantic import SecretStr

from local_stack.database import Database
from riskstream.doctor.check import Check
from riskstream.doctor.examination import Examined, all_checks, examine
from riskstream.doctor.examined import installed_services
from riskstream.doctor.settings import DoctorSettings
from riskstream.doctor.visit import Visit
from riskstream.runtime.clock import Clock

NOW = datetime(2026, 3, 18, 16, 0, tzinfo=UTC)
"""A Wednesday noon in New York: Tuesday's night is over."""


@dataclass
class Patient:
    """A system, and the doctor's way in."""

    database: Database
    kafka: str
    redis: str
    topics_file: Path
    clock: Clock
    without: frozenset[str] = frozenset()
    """Settings and roles that the doctor is not told."""

    async def execute(self, *statements: str) -> None:
        connection = await asyncpg.connect(self.database.superuser_dsn)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    def settings(self) -> DoctorSettings:
        given: Mapping[str, Any] = {
            "migrator_dsn": self.database.dsns["riskstream_migrator"],
            "kafka": self.kafka,
            "topics_file": self.topics_file,
        }
        return DoctorSettings(**{name: value for name, value in given.items() if name not in self.without})

    async def examined(self, *, mend: bool = False, only: str | None = None) -> list[Examined]:
        services = installed_services()
        roles = {
            service.role: SecretStr(self.database.dsns[service.role])
            for service in services
            if service.role not in self.without
        }
        checks: list[Check] = [check for check in all_checks(services) if only in {None, check.name}]
        async with Visit(self.settings(), roles, services, self.clock) as visit:
            return [one async for one in examine(visit, checks, mend=mend)]

    async def wrong(self, *, mend: bool = False, only: str | None = None) -> list[str]:
        """What is wrong, a line each: check, about, found."""
        return [
            f"{one.check}: {one.finding.about}: {one.finding.found}"
            for one in await self.examined(mend=mend, only=only)
            if one.finding.wrong
        ]

    def environment(self) -> dict[str, str]:
        """The same for the command."""
        return {
            "RISKSTREAM_MIGRATOR_DSN": self.database.dsns["riskstream_migrator"],
            "RISKSTREAM_KAFKA": self.kafka,
            "RISKSTREAM_REDIS_URL": self.redis,
            "RISKSTREAM_TOPICS_FILE": str(self.topics_file),
            **{f"RISKSTREAM_{role.upper()}_DSN": dsn for role, dsn in self.database.dsns.items()},
            **self.clock.environment(),
        }
