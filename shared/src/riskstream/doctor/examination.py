"""All checks in order; each is looked at alone, so that one that breaks hides no other."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError

from riskstream.doctor.check import Check, NotChecked
from riskstream.doctor.examined import ExaminedService
from riskstream.doctor.finding import Finding
from riskstream.doctor.servers import SERVERS
from riskstream.doctor.visit import Visit
from riskstream.messaging.cluster import KafkaError
from riskstream.runtime.logs import conceal

PATIENCE = 30.0
"""Seconds for one check."""

_AWAY = (DBAPIError, KafkaError, OSError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Examined:
    """A finding, by which check, and whether it is so because it was mended just now."""

    check: str
    finding: Finding
    mended: bool = False


def all_checks(services: Sequence[ExaminedService]) -> list[Check]:
    """The doctor's own, then each service's."""
    return [*SERVERS, *(check for service in services for check in service.checks)]


async def examine(visit: Visit, checks: Sequence[Check], *, mend: bool) -> AsyncIterator[Examined]:
    """Look at everything; with `mend`, mend what a check can mend and look at it again."""
    for check in checks:
        found = await _looked(visit, check)
        wrong = {finding.about for finding in found if finding.wrong}
        if mend and wrong and check.mend is not None:
            trouble = await _mended(visit, check)
            found = await _looked(visit, check)
            if trouble is not None:
                found.append(trouble)
        for finding in found:
            yield Examined(check.name, finding, finding.about in wrong and finding.verdict == "ok")


async def _looked(visit: Visit, check: Check) -> list[Finding]:
    found: list[Finding] = []
    try:
        async with asyncio.timeout(PATIENCE):
            async for finding in check.look(visit):
                found.append(finding)  # noqa: PERF401 - what was found before an error is kept
    except NotChecked as reason:
        found.append(Finding(check.name, "not checked", str(reason)))
    except _AWAY as error:
        found.append(Finding(check.name, "failed", f"cannot be looked at: {_said(error)}"))
    return found


async def _mended(visit: Visit, check: Check) -> Finding | None:
    """What kept it from being mended, if anything."""
    assert check.mend is not None
    try:
        async with asyncio.timeout(PATIENCE):
            await check.mend(visit)
    except NotChecked as reason:
        return Finding("mending", "not checked", str(reason))
    except _AWAY as error:
        return Finding("mending", "failed", f"could not be done: {_said(error)}")
    return None


def _said(error: BaseException) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return conceal(str(cause).partition("\n")[0]) or type(error).__name__
