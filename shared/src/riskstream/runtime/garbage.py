"""How often a service looks for cyclic garbage: seldom."""

import contextlib
import gc
from collections.abc import Iterator

NEW_OBJECTS = 100_000
"""Tracked objects more than before, until the youngest are looked at: some ten megabytes."""
OLDER = 20


@contextlib.contextmanager
def collected_seldom() -> Iterator[None]:
    """Leave what is imported out of every collection, and collect only after many new objects.

    Rows are tuples by the hundred thousand, in no cycle, and freed with their last reference. Python looks through the
    youngest at every 700 of them, and through all of them now and then: 40 % of the processor time of a refresh.
    """
    thresholds = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, OLDER, OLDER)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
