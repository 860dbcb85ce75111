"""Named places where a test may kill or freeze the process. Without the variables they do nothing."""

import os
import signal
from collections import Counter

VARIABLE = "RISKSTREAM_CRASH_AT"
PAUSE_VARIABLE = "RISKSTREAM_PAUSE_AT"
EXIT_CODE = 137

_passed: Counter[str] = Counter()


def reached(point: str) -> None:
    """Die at once, without cleaning up, where `RISKSTREAM_CRASH_AT=<point>[:<nth time>]` says so.

    Where `RISKSTREAM_PAUSE_AT` says so, freeze (SIGSTOP) until somebody sends SIGCONT.

    Points of the kernel: `consumer.before_commit`, `consumer.after_commit_before_offset`, `consumer.during_revoke`,
    `relay.before_publish`, `relay.after_publish_before_delete`, `relay.after_delete_before_commit`; of the night
    `night.after_companies_chunk`, `night.after_chunk`, `night.before_publish_commit`, `night.after_publish_commit`; of
    a fold `fold.before_write`, `fold.after_write`; of a chunk `chunk.before_end_commit`, `chunk.after_end_commit`.
    """
    crash, pause = os.environ.get(VARIABLE), os.environ.get(PAUSE_VARIABLE)
    if not crash and not pause:
        return
    _passed[point] += 1
    if _is_now(crash, point):
        os._exit(EXIT_CODE)
    if _is_now(pause, point):
        os.kill(os.getpid(), signal.SIGSTOP)


def _is_now(wanted: str | None, point: str) -> bool:
    name, _, nth = (wanted or "").partition(":")
    return name == point and _passed[point] == int(nth or 1)
