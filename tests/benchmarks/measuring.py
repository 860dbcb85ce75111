"""Medians, quantiles, and what a process has used of its machine."""

import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path


def median(numbers: Sequence[float]) -> float:
    return float(statistics.median(numbers))


def quantile(numbers: Sequence[float], share: float) -> float:
    """The smallest number that at least `share` of all do not exceed."""
    ordered = sorted(numbers)
    return ordered[max(0, min(len(ordered) - 1, -(-int(share * 1_000_000) * len(ordered) // 1_000_000) - 1))]


def timed(work: Callable[[], object], runs: int) -> list[float]:
    """Seconds of each of several runs."""
    seconds = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return seconds


def peak_memory(process: int | None = None) -> int:
    """Bytes: the most that this process has held, or a child of it.

    Linux counts it anew for a new program; `ru_maxrss` there goes on from the parent that forked it.
    """
    status = Path(f"/proc/{process or 'self'}/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
