"""Rows that name a symbol by a name it no longer has: entered under the new one, with a warning."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from onboarding.imports.findings import Field, Finding
from onboarding.imports.lot import InvestmentClass, Lot
from onboarding.imports.rows import Validated


def under_new_names(validated: Validated, names: Mapping[str, str]) -> Validated:
    """The same with every old name of `names` replaced by its new one, and a warning for each row where it was."""
    if not names:
        return validated
    warnings = list(validated.warnings)
    lots = []
    for place, lot in zip(validated.places, validated.lots, strict=True):
        new, found = under_new_name(lot, names, place)
        warnings += found
        lots.append(new)
    return replace(validated, lots=lots, warnings=warnings)


def listed_symbol(lot: Lot) -> tuple[Field, str] | None:
    """The listed symbol that a lot names, and where: its own, or what an option is on. A private holding has none."""
    match lot.investment_class:
        case InvestmentClass.PUBLIC:
            return Field.SYMBOL, lot.symbol
        case InvestmentClass.OPTIONS if lot.underlying_symbol is not None:
            return Field.UNDERLYING_SYMBOL, lot.underlying_symbol
    return None


def under_new_name(lot: Lot, names: Mapping[str, str], place: int = 0) -> tuple[Lot, Sequence[Finding]]:
    """The lot with an old name of `names` replaced by its new one, and a warning where it was."""
    listed = listed_symbol(lot)
    if listed is None or listed[1] not in names:
        return lot, ()
    field, old = listed
    new = names[old]
    message = f"{old} is called {new} now; the position is entered under that name."
    now = replace(lot, symbol=new) if field is Field.SYMBOL else replace(lot, underlying_symbol=new)
    return now, [Finding(place, field, "symbol_renamed", message, old)]
