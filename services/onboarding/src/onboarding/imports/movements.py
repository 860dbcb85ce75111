"""Movements of cash in a broker's file: every rule about them, applied to each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from onboarding.imports.cells import OLDEST_YEARS
from onboarding.imports.findings import Finding
from onboarding.imports.flow import CashFlow, FlowKind
from onboarding.imports.rows import Validated
from onboarding.imports.rules import LARGEST_AMOUNT
from onboarding.imports.values import fit, is_absent, read_date, read_number, years_before

AMOUNT_PLACES = 4
LONGEST_NOTE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """A row that moves USD, not judged yet. An amount below zero went out."""

    place: int
    what: str
    """As the file calls it."""
    amount: str
    day: str
    is_fee: bool
    amount_title: str | None
    day_title: str | None


def flow_of(movement: Movement, today: date) -> CashFlow | Sequence[Finding]:
    """The movement as a flow, rounded half to even at 4 decimals; else all that is wrong with it."""
    amount, day = _amount(movement), _day(movement, today)
    if isinstance(amount, Finding) or isinstance(day, Finding):
        return [found for found in (amount, day) if isinstance(found, Finding)]
    kind = FlowKind.FEE if movement.is_fee else FlowKind.DEPOSIT if amount > 0 else FlowKind.WITHDRAWAL
    return CashFlow(kind=kind, amount=amount, day=day, note=_note(movement.what))


def _note(what: str) -> str:
    """On one line, printable as every note is."""
    return " ".join("".join(each if each.isprintable() else " " for each in what).split())[:LONGEST_NOTE].strip()


def flows_after(found: Validated, first_session: date) -> Validated:
    """The same without the flows up to the first session, which a warning counts.

    What came and went until then is in the equity with which the portfolio begins.
    """
    kept = [row for row in found.flows if row.flow.day > first_session]
    dropped = [row.place for row in found.flows if row.flow.day <= first_session]
    if not dropped:
        return found
    message = (
        f"{len(dropped):,} cash flows up to {first_session.isoformat()}, the portfolio's first session, are in the "
        "equity it begins with, and left out."
    )
    warning = Finding(min(dropped), None, "flows_before_first_session", message, str(len(dropped)))
    left_out = found.left_out + len(dropped)
    return replace(
        found, flows=kept, warnings=[*found.warnings, warning], left_out=left_out, rows=found.rows - len(dropped)
    )


def without_flows(found: Validated, wrong: Mapping[int, Finding]) -> Validated:
    """The same without the flows that are `wrong`, by their index; what is wrong with each is among the errors."""
    if not wrong:
        return found
    return replace(
        found,
        flows=[row for index, row in enumerate(found.flows) if index not in wrong],
        errors=sorted([*found.errors, *wrong.values()], key=lambda finding: finding.place),
        rejected=found.rejected + len(wrong),
    )


def _amount(movement: Movement) -> Decimal | Finding:
    def wrong(code: str, message: str) -> Finding:
        return Finding(movement.place, None, code, message, movement.amount, movement.amount_title)

    if is_absent(movement.amount.strip()):
        return wrong("amount_missing", "A movement of cash needs its amount.")
    try:
        amount = read_number(movement.amount)
    except ValueError:
        return wrong("amount_not_a_number", "The amount cannot be read as a number.")
    if abs(amount) > LARGEST_AMOUNT:
        return wrong("amount_too_large", f"At most {LARGEST_AMOUNT:,} USD can be stored.")
    stored = fit(amount, AMOUNT_PLACES)
    return stored if stored else wrong("amount_not_a_number", "The amount is less than can be stored (4 decimals).")


def _day(movement: Movement, today: date) -> date | Finding:
    def wrong(code: str, message: str) -> Finding:
        return Finding(movement.place, None, code, message, movement.day, movement.day_title)

    try:
        day = read_date(movement.day)
    except ValueError:
        return wrong("date_not_iso", "The date cannot be read, or is not in the calendar.")
    if day > today:
        return wrong("date_in_future", f"The date is in the future; today is {today.isoformat()} in New York.")
    if day < years_before(today, OLDEST_YEARS):
        return wrong("date_too_old", f"The date is more than {OLDEST_YEARS} years ago.")
    return day
