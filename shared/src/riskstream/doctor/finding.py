"""What a check found."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Verdict: TypeAlias = Literal["ok", "warning", "failed", "not checked"]

WRONG: frozenset[Verdict] = frozenset({"warning", "failed"})


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    about: str
    verdict: Verdict
    found: str
    """What is there; of `not checked`, why nobody could look."""
    mend: str | None = None
    """What to do about it, a command where there is one."""

    @property
    def wrong(self) -> bool:
        return self.verdict in WRONG

    def as_json(self, check: str, mended: bool) -> dict[str, Any]:
        return {
            "check": check,
            "about": self.about,
            "verdict": self.verdict,
            "found": self.found,
            "mend": self.mend,
            "mended": mended,
        }
