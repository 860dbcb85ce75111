"""Whether this machine and the servers agree on the time: leases are by the database's, schedules by the services'."""

import time
from collections.abc import AsyncIterator

from sqlalchemy import text

from riskstream.doctor.finding import Finding, Verdict
from riskstream.doctor.visit import Visit

WARNING_SECONDS = 1.0
FAILED_SECONDS = 10.0
"""As much as a token's validity may be off (`riskstream.runtime.auth`)."""

_NOW = text("SELECT extract(epoch FROM clock_timestamp())::float8")


async def look_at_clocks(visit: Visit) -> AsyncIterator[Finding]:
    """By how much the database's clock is off from this machine's, the time of the answer's journey taken out."""
    async with visit.observing() as connection:
        await connection.execute(_NOW)
        asked = time.time()
        theirs = float((await connection.execute(_NOW)).scalar_one())
        answered = time.time()
    yield skew("postgres", theirs - (asked + answered) / 2, (answered - asked) / 2)
    yield Finding(
        "kafka", "not checked", "brokers do not tell their time; records carry that of the services, which is checked"
    )


def skew(about: str, seconds: float, uncertainty: float) -> Finding:
    """Judge a clock that is `seconds` ahead, give or take `uncertainty`, which counts in its favour."""
    certain = max(abs(seconds) - uncertainty, 0.0)
    verdict: Verdict = "failed" if certain > FAILED_SECONDS else "warning" if certain > WARNING_SECONDS else "ok"
    mend = None if verdict == "ok" else "have both machines keep their time by NTP (chronyc tracking)"
    direction = "ahead of" if seconds >= 0 else "behind"
    return Finding(about, verdict, f"{abs(seconds):.3f} s {direction} this machine's clock", mend)
