"""Named places where a test may kill the process. Without the variable they do nothing."""

import os
from collections import Counter

VARIABLE = "RISKSTREAM_CRASH_AT"
EXIT_CODE = 137

_passed: Counter[str] = Counter()


def reached(point: str) -> None:
    """Die at once, without cleaning up, where `RISKSTREAM_CRASH_AT=<point>[:<nth time>]` says so.

    Points: `consumer.before_commit`, `consumer.after_commit_before_offset`, `relay.after_publish_before_delete`,
    `relay.after_delete_before_commit`.
    """
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    name, _, nth = wanted.partition(":")
    if name != point:
        return
    _passed[point] += 1
    if _passed[point] == int(nth or 1):
        os._exit(EXIT_CODE)
