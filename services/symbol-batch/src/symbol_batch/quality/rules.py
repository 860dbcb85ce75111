"""What makes a bar suspicious: the rules by name, and what is said of a bar that breaks one."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Rule(StrEnum):
    """Why a bar is suspicious. The names are stored with the bars that are held back."""

    JUMP = "jump"
    """A total return of more than 40 % either way, whether or not an action is listed."""
    REPEATED = "repeated"
    """Open, high, low, close and volume all equal those of the bar before."""
    FROZEN = "frozen"
    """The close of the bar before, and no volume."""
    ENCLOSURE = "enclosure"
    """High and low do not enclose open and close by more than 0.5 %."""
    LOOSE_ENCLOSURE = "loose enclosure"
    """High and low do not enclose open and close, by 0.5 % at most: careless, and harmless."""
    DIVIDEND = "dividend"
    """A dividend beyond three times the usual one, and no price that went down for it."""
    CROSS_SECTION = "cross section"
    """A move that neither the market nor the sector made, beyond the symbol's own habits, on little volume."""

    @property
    def holds(self) -> bool:
        """Whether the bar is kept from every number until somebody confirms it; the others only warn."""
        return self is not Rule.LOOSE_ENCLOSURE


@dataclass(frozen=True, slots=True)
class Finding:
    """One bar that breaks a rule. `reason` is a sentence with the figures, for whoever has to decide about the bar.

    A held bar's corporate actions are held with it: the ledger line may be what is wrong, and quantities that follow a
    split while the price stands still would be.
    """

    session: date
    rule: Rule
    reason: str
