"""A benchmark of its own servers with a market so small that a test can run it."""

from collections.abc import Iterator
from functools import cached_property

import pytest

from benchmarks.bench import Bench
from benchmarks.market import Market
from local_stack.narrator import Narrator


class TinyBench(Bench):
    @cached_property
    def market(self) -> Market:
        return Market.made(60)


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with TinyBench(Narrator(), quick=True) as tiny:
        yield tiny
