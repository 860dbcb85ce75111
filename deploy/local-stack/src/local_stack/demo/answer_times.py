"""How long one question takes, by where its answer comes from."""

import time
from collections.abc import Mapping
from statistics import median
from uuid import UUID

import httpx

from local_stack.errors import ServerFailed
from local_stack.system import System


def answer_times(system: System, headers: Mapping[str, str], portfolio: UUID, repeats: int = 200) -> dict[str, float]:
    """Seconds of a computed answer, of one from Redis and of one from the process's own memory.

    The computed one is the first there is; the one from Redis the first after analytics was restarted; of the third
    kind the median of `repeats`.
    """
    url = f"{system.analytics.url}/api/v1/analytics/portfolio/{portfolio}"
    times: dict[str, float] = {}
    with httpx.Client(headers=dict(headers), timeout=10, trust_env=False) as client:
        client.get(
            f"{url}/overview"
        ).raise_for_status()  # the connection, the token's first check, the edition's arrays
        times["miss"] = _seconds(client, f"{url}/factor-exposures", "miss")
    system.analytics.restart()
    with httpx.Client(headers=dict(headers), timeout=10, trust_env=False) as client:
        client.get(f"{url}/overview").raise_for_status()
        times["redis"] = _seconds(client, f"{url}/factor-exposures", "redis")
        times["process"] = median(_seconds(client, f"{url}/factor-exposures", "process") for _ in range(repeats))
    return times


def _seconds(client: httpx.Client, url: str, expected: str) -> float:
    began = time.perf_counter()
    answer = client.get(url)
    seconds = time.perf_counter() - began
    answer.raise_for_status()
    if (layer := answer.json()["cache"]) != expected:
        raise ServerFailed(f"{url} was answered from {layer}, not from {expected}")
    return seconds
