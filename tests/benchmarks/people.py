"""People at a whole system: onboarding, portfolio-refresh and analytics as real processes, and requests by owners."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from benchmarks.bench import Bench
from benchmarks.questions import serving
from benchmarks.refresh_runs import workers
from local_stack.database import Database
from local_stack.programs import Analytics, Onboarding, PortfolioRefresh

LOOK_SECONDS = 0.005
_PATIENCE = 30.0


@dataclass(frozen=True)
class Person:
    """An owner with a kept connection to each of the two services that people ask."""

    onboarding: httpx.Client
    analytics: httpx.Client

    def fresh_overview(self, portfolio: str, version: int) -> dict[str, Any]:
        """Ask until the answer is of that version or a newer one and nothing is pending; that answer."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            answer = self.analytics.get(f"/api/v1/analytics/portfolio/{portfolio}/overview", params={"top": 500})
            if answer.status_code != httpx.codes.CONFLICT:
                body: dict[str, Any] = answer.raise_for_status().json()
                if not body["pending"] and body["portfolio_version"] >= version:
                    return body
            time.sleep(LOOK_SECONDS)
        raise TimeoutError(f"no fresh answer about {portfolio} at version {version} within {_PATIENCE:.0f} s")


@dataclass(frozen=True)
class System:
    """The processes that a change goes through."""

    onboarding: Onboarding
    refreshing: Sequence[PortfolioRefresh]
    analytics: Analytics


@contextmanager
def system(bench: Bench, database: Database) -> Iterator[System]:
    """One process of each service."""
    onboarding = Onboarding(lambda: bench.environment(database, "onboarding"))
    analytics = Analytics(lambda: bench.environment(database, "analytics"))
    with workers(bench, database, 1) as refreshing, serving(onboarding, analytics):
        yield System(onboarding, refreshing, analytics)


@contextmanager
def person(bench: Bench, owner: str, at: System) -> Iterator[Person]:
    headers = {"Authorization": f"Bearer {bench.issuer.token(owner)}"}
    with (
        httpx.Client(base_url=at.onboarding.url, headers=headers, timeout=_PATIENCE, trust_env=False) as to_onboarding,
        httpx.Client(base_url=at.analytics.url, headers=headers, timeout=_PATIENCE, trust_env=False) as to_analytics,
    ):
        yield Person(to_onboarding, to_analytics)
