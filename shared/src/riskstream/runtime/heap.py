"""Where the memory of threads comes from."""

import ctypes
import os

_ARENA_MAX = -8
"""`M_ARENA_MAX` of glibc's `mallopt`."""


def share_one_heap() -> bool:
    """Let every thread that starts from now on take its memory from the heap that there is; whether that was done.

    glibc gives threads heaps of their own, and what is free in one is of no use to another. Where large arrays come and
    go on whatever thread is idle, and small things stay between them, that is a fifth of a process. Threads that work
    in Python wait for each other anyway. Left alone is who has set MALLOC_ARENA_MAX, and a C library without heaps.
    """
    if "MALLOC_ARENA_MAX" in os.environ:
        return False
    try:
        set_option = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(set_option(_ARENA_MAX, 1))
