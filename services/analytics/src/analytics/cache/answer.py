"""An answer, and the key that says which question to which valuation it answers."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from analytics.measures.measure import AnyMeasure, Parameters

FORMAT = "answer-1"
"""Part of every stored key. To be raised when a measure's meaning or result changes without a change of its name."""


@dataclass(frozen=True)
class Question:
    """A measure and its parameters, defaults filled in: two ways of asking the same are equal."""

    measure: AnyMeasure
    parameters: Parameters

    @property
    def identity(self) -> str:
        """`<measure>:<hash of the parameters>`."""
        return _identity(self.measure.name, self.parameters)


@lru_cache(maxsize=4_096)
def _identity(measure: str, parameters: Parameters) -> str:
    # Remembered: people ask few questions and ask them all day.
    values = orjson.dumps(parameters.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
    return f"{measure}:{hashlib.sha256(values).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class Key:
    """What an answer belongs to."""

    portfolio: UUID
    valuation: int
    edition: int
    question: str
    """A question's identity."""
    lineage: str
    """The history of the database within which the numbers mean something."""

    def __str__(self) -> str:
        return f"{FORMAT}:{self.lineage}:{self.portfolio}:{self.valuation}:{self.edition}:{self.question}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What was computed for a key. Immutable: another valuation has another answer."""

    key: Key
    portfolio_version: int
    session: date
    run_id: UUID
    coverage: float | None
    computed_at: datetime
    data: bytes
    """The measure's result as JSON."""


class _Stored(BaseModel):
    """An answer as a value in Redis. It says itself what it belongs to, and is believed only if that was asked for."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    key: str
    portfolio_version: int
    session: date
    run_id: UUID
    coverage: float | None
    computed_at: datetime
    data: dict[str, Any]


class NotThisAnswerError(ValueError):
    """A stored value is not the answer that its key promises."""


def to_stored(answer: Answer) -> bytes:
    """The answer as a value in Redis."""
    return orjson.dumps(
        {
            "key": str(answer.key),
            "portfolio_version": answer.portfolio_version,
            "session": answer.session,
            "run_id": answer.run_id,
            "coverage": answer.coverage,
            "computed_at": answer.computed_at,
            "data": orjson.Fragment(answer.data),
        }
    )


def from_stored(value: bytes | str, key: Key, question: Question) -> Answer:
    """The answer that `value` holds; raises NotThisAnswerError unless it is whole and belongs to `key`."""
    try:
        stored = _Stored.model_validate_json(value)
        if stored.key != str(key):
            raise NotThisAnswerError(f"it belongs to {stored.key}, not to {key}")
        data = orjson.dumps(stored.data)
        question.measure.result.model_validate_json(data)
    except ValidationError as error:
        raise NotThisAnswerError(f"the value under {key} is no answer: {error}") from error
    return Answer(
        key=key,
        portfolio_version=stored.portfolio_version,
        session=stored.session,
        run_id=stored.run_id,
        coverage=stored.coverage,
        computed_at=stored.computed_at,
        data=data,
    )
