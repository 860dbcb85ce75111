"""Heaps are the process's own: each case looks at a process of its own."""

import ctypes
import os
import subprocess
import sys

import pytest

from riskstream.runtime.heap import share_one_heap

# `malloc_info` writes a <heap> for each; of libraries without it there is nothing to be tested.
PROGRAM = """
import ctypes, sys, threading
from riskstream.runtime.heap import share_one_heap

if sys.argv[1] == "shared":
    print(share_one_heap())
together = threading.Barrier(4)

def work():
    kept = [ctypes.create_string_buffer(50_000) for _ in range(50)]
    together.wait()

threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
library = ctypes.CDLL(None)
library.fdopen.restype = ctypes.c_void_p
library.malloc_info(0, ctypes.c_void_p(library.fdopen(1, b"w")))
library.fflush(None)
"""

of_glibc = pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="another C library")


def heaps(how: str, **environment: str) -> tuple[int, str]:
    """How many the process had in the end, and what it said first."""
    ended = subprocess.run(
        [sys.executable, "-u", "-c", PROGRAM, how],
        env={name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout.count("<heap "), ended.stdout.partition("\n")[0]


@of_glibc
def test_threads_have_heaps_of_their_own_until_they_share_one():
    apart, _ = heaps("apart")
    assert apart > 1
    assert heaps("shared") == (1, "True")


@of_glibc
def test_who_has_said_how_many_there_may_be_is_left_alone():
    count, said = heaps("shared", MALLOC_ARENA_MAX="2")
    assert (count, said) == (2, "False")


def test_a_c_library_without_heaps_is_left_alone(monkeypatch):
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    assert share_one_heap() is False
