"""A check: how to look at one kind of thing, and how to mend it where that is safe."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from riskstream.doctor.finding import Finding
from riskstream.doctor.visit import NotChecked, Visit

__all__ = ["Check", "Look", "Mend", "NotChecked"]

Look: TypeAlias = Callable[[Visit], AsyncIterator[Finding]]
"""Changes nothing. May raise NotChecked, and what a server's absence raises."""

Mend: TypeAlias = Callable[[Visit], Awaitable[None]]
"""Adds what is missing. Doing it again changes nothing; nothing that exists is altered."""


@dataclass(frozen=True)
class Check:
    name: str
    look: Look
    mend: Mend | None = None
