"""What a measure is: a pure function of a book and an edition, with the types of what it takes and gives."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from analytics.book import Book
from analytics.edition import Edition


class Parameters(BaseModel):
    """What may be asked of a measure; a measure without parameters uses this class itself. Values must be hashable."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Result(BaseModel):
    """What a measure gives. A number that cannot be had is null and a reason stands beside it; NaN cannot occur."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


P = TypeVar("P", bound=Parameters)
R = TypeVar("R", bound=Result)


@dataclass(frozen=True, slots=True)
class Finding(Generic[R]):
    """A result and the share of the book's gross market value that entered it; null where gross is 0."""

    result: R
    coverage: float | None


@dataclass(frozen=True, slots=True)
class Measure(Generic[P, R]):
    """A question that can be asked of every portfolio. `compute` reads nothing but its arguments."""

    name: str
    """In the address, the cache key and the answer."""
    summary: str
    parameters: type[P]
    result: type[R]
    compute: Callable[[Book, Edition, P], Finding[R]]


AnyMeasure = Measure[Any, Any]
