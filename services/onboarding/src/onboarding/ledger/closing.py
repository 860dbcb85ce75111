"""Closing a lot, whole or in part: arithmetic of what is sold and of what stays."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from math import prod

from onboarding.imports.cells import FEE_PLACES, QUANTITY_PLACES
from onboarding.imports.lot import Lot
from onboarding.imports.values import fit
from onboarding.refusals import FieldRefused


@dataclass(frozen=True, slots=True)
class Parted:
    """A lot of which a part is closed: `stays` is null where all of it was."""

    closed: Lot
    stays: Lot | None


def close_part(closed: Lot, quantity: Decimal | None, ratios: Sequence[Decimal]) -> Parted:
    """Part `closed`, a lot with the exit that it is to have, into what was closed and what stays.

    `quantity` is in shares as of the exit date, without a sign; null closes the whole lot. `ratios` are those of the
    splits between entry and exit: the lots keep the quantity of their entry, rounded half to even at 10 decimals. The
    fee of the entry is shared in proportion to quantity at 4 decimals, and what rounding leaves stays. Raises
    FieldRefused for more than is held, and for nothing.
    """
    if quantity is None:
        return Parted(closed, None)
    ratio = prod(ratios, start=Decimal(1))
    held, part = abs(closed.quantity), fit(quantity / ratio, QUANTITY_PLACES)
    if part > held:
        now = format(fit(held * ratio, QUANTITY_PLACES).normalize(), "f")
        raise FieldRefused(
            "quantity",
            "quantity_exceeds_held",
            f"The lot holds {now} on {closed.exit_date}; {quantity} cannot be closed.",
            str(quantity),
            f"Write at most {now}, or leave quantity out to close the whole lot.",
        )
    if not part:
        raise FieldRefused(
            "quantity",
            "quantity_zero",
            "As of the entry this is less than can be stored (10 decimals).",
            str(quantity),
            "Write more than that, or leave quantity out to close the whole lot.",
        )
    if part == held:
        return Parted(closed, None)
    fee = fit(closed.entry_fee * part / held, FEE_PLACES)
    sign = 1 if closed.quantity > 0 else -1
    stays = replace(
        closed,
        quantity=closed.quantity - sign * part,
        entry_fee=closed.entry_fee - fee,
        exit_date=None,
        exit_price=None,
        exit_fee=Decimal(0),
    )
    return Parted(replace(closed, quantity=sign * part, entry_fee=fee), stays)
