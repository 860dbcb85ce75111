"""What goes wrong, on purpose: rules that can be set while the simulator runs."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from market_simulator.ledger import Endpoint

DATA_ENDPOINTS: frozenset[Endpoint] = frozenset({"chart", "quote", "quoteSummary", "timeseries"})
MASSIVE_ENDPOINTS: frozenset[Endpoint] = frozenset({"grouped", "aggregates", "splits", "dividends"})
SPOILING = frozenset({"refuse", "limit", "html", "hang", "error", "truncate", "endless"})


class Fault(BaseModel):
    """One rule.

    `refuse` answers 429, and `limit` does so to what is more than `per_second` on the average and a second's worth at
    once; both say `retry_after`, where given, in seconds. `html` answers a web page with status 200, `error` 500,
    `hang` nothing for `milliseconds`; `latency` answers rightly after `milliseconds`. `truncate` gives the first half
    of the right answer, `endless` a body without an end. `drop` takes away a symbol's latest session, `unknown` the
    symbol; `scale` multiplies the prices of `sessions` by `factor`: a wrong bar, or a correction of a right one.
    Without `endpoints` a fault strikes Yahoo's data and not Massive's. Bare yfinance repeats a refused request once, so
    `first: 2` refuses one call.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal[
        "refuse", "limit", "html", "hang", "error", "latency", "truncate", "endless", "drop", "unknown", "scale"
    ]
    endpoints: frozenset[Endpoint] = DATA_ENDPOINTS
    symbols: frozenset[str] | None = None
    """Null: all."""
    fraction: float = Field(default=1.0, gt=0, le=1)
    """Share of requests, or of symbols for drop, unknown and scale; which ones is decided by the seed alone."""
    first: int | None = Field(default=None, ge=1)
    """Only so many requests, then the rule is spent."""
    milliseconds: int = Field(default=0, ge=0, le=600_000)
    per_second: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    retry_after: int | None = Field(default=None, ge=0)
    sessions: frozenset[date] = frozenset()
    factor: float = Field(default=1.0, gt=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _consistent(self) -> Fault:
        timed = self.kind in ("hang", "latency")
        if timed != (self.milliseconds > 0):
            raise ValueError("give milliseconds to hang and latency, and to nothing else")
        if (self.kind == "limit") != (self.per_second is not None):
            raise ValueError("give per_second to limit, and to nothing else")
        if self.retry_after is not None and self.kind not in ("refuse", "limit"):
            raise ValueError("give retry_after to refuse and limit, and to nothing else")
        scaling = self.kind == "scale"
        if scaling != bool(self.sessions) or scaling != (self.factor != 1.0):
            raise ValueError("give sessions and a factor to scale, and to nothing else")
        if self.first is not None and self.kind in ("drop", "unknown", "scale"):
            raise ValueError(f"{self.kind} concerns symbols, not requests: leave `first` out")
        return self


@dataclass
class _Rule:
    number: int
    fault: Fault
    struck: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    overdraft: float = 0.0
    """Of a limit: requests let through that are not paid for by time yet."""
    last: float = 0.0

    def is_over_limit(self, now: float) -> bool:
        """Whether a request at `now`, in seconds, is one too many; it is counted where it is not."""
        if self.fault.per_second is None:
            return True
        self.overdraft = max(self.overdraft - (now - self.last) * self.fault.per_second, 0.0)
        self.last = now
        if self.overdraft > max(self.fault.per_second, 1.0) - 1.0:
            return True
        self.overdraft += 1.0
        return False


class Faults:
    """The rules in force, asked for every request. Decisions depend on the seed, the rule's number and how often the
    symbol was asked for under it, so concurrency cannot change which requests fail."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._rules: list[_Rule] = []
        self._added = 0

    def add(self, fault: Fault) -> int:
        """Puts a rule in force; returns its number."""
        self._added += 1
        self._rules.append(_Rule(self._added, fault))
        return self._added

    def clear(self) -> None:
        """Takes all rules out of force."""
        self._rules.clear()

    def rules(self) -> dict[int, Fault]:
        """The rules in force by number."""
        return {rule.number: rule.fault for rule in self._rules}

    def strikes(self, endpoint: Endpoint, symbols: tuple[str, ...]) -> list[Fault]:
        """The faults that befall one request: its latencies, and at most one that spoils the answer."""
        latencies = [
            rule.fault for rule in self._rules if rule.fault.kind == "latency" and self._hits(rule, endpoint, symbols)
        ]
        for rule in self._rules:
            if rule.fault.kind in SPOILING and self._hits(rule, endpoint, symbols):
                return [*latencies, rule.fault]
        return latencies

    def hides(self, kind: Literal["drop", "unknown"], symbol: str) -> bool:
        """Whether a rule takes away this symbol, or its latest session."""
        return any(self._concerns(rule, kind, symbol) for rule in self._rules)

    def scalings(self, symbol: str) -> list[Fault]:
        """The rules that make some of this symbol's prices wrong."""
        return [rule.fault for rule in self._rules if self._concerns(rule, "scale", symbol)]

    def _concerns(self, rule: _Rule, kind: str, symbol: str) -> bool:
        fault = rule.fault
        named = fault.symbols is None or symbol in fault.symbols
        return fault.kind == kind and named and self._draw(rule, symbol) < fault.fraction

    def _hits(self, rule: _Rule, endpoint: Endpoint, symbols: tuple[str, ...]) -> bool:
        fault = rule.fault
        if endpoint not in fault.endpoints or (fault.symbols is not None and fault.symbols.isdisjoint(symbols)):
            return False
        if fault.first is not None and rule.struck >= fault.first:
            return False
        request = f"{endpoint} {','.join(symbols)}"
        rule.seen[request] += 1
        if self._draw(rule, f"{request} {rule.seen[request]}") >= fault.fraction:
            return False
        if not rule.is_over_limit(time.monotonic()):
            return False
        rule.struck += 1
        return True

    def _draw(self, rule: _Rule, what: str) -> float:
        digest = hashlib.blake2b(f"{self._seed} {rule.number} {what}".encode(), digest_size=8).digest()
        return int.from_bytes(digest) / 2**64
