"""What a measure is: a pure function of evidence and parameters, with the types of what it takes and gives."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from analytics.book import Book
from analytics.evidence import Evidence
from analytics.past import NOTHING_WANTED, Wanted


class Parameters(BaseModel):
    """What may be asked of a measure; a measure without parameters uses this class itself. Values must be hashable."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Result(BaseModel):
    """What a measure gives. A number that cannot be had is null and a reason stands beside it; NaN cannot occur."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


P = TypeVar("P", bound=Parameters)
R = TypeVar("R", bound=Result)


@dataclass(frozen=True, slots=True)
class Finding(Generic[R]):
    """A result and the share of the book's gross market value that entered it; null where gross is 0."""

    result: R
    coverage: float | None


class UnanswerableError(Exception):
    """The question makes no sense of this book; `detail` says why and how to ask better, `field` where."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field
        self.detail = detail


def nothing_wanted(_: Book, __: Any) -> Wanted:
    """For the measures to which the newest valuation is enough."""
    return NOTHING_WANTED


@dataclass(frozen=True, slots=True)
class Measure(Generic[P, R]):
    """A question that can be asked of every portfolio. `compute` reads nothing but its arguments."""

    name: str
    """In the address, the cache key and the answer."""
    summary: str
    method: str
    """In the answer: how the numbers come about, in a line."""
    parameters: type[P]
    result: type[R]
    compute: Callable[[Evidence, P], Finding[R]]
    wants: Callable[[Book, P], Wanted] = nothing_wanted
    posted: bool = False
    """Whether the parameters are too rich for an address: they come as the JSON body of a POST. Where none is needed
    there is a GET without parameters too."""


AnyMeasure = Measure[Any, Any]
