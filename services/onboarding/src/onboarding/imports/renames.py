"""Rows that name a symbol by a name it no longer has: entered under the new one, with a warning."""

from collections.abc import Mapping
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
        new, field = renamed(lot, names)
        if field is not None:
            old = lot.symbol if field is Field.SYMBOL else lot.underlying_symbol
            assert old is not None
            message = f"{old} is called {names[old]} now; the position is entered under that name."
            warnings.append(Finding(place, field, "symbol_renamed", message, old))
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


def renamed(lot: Lot, names: Mapping[str, str]) -> tuple[Lot, Field | None]:
    """The lot under new names, and the field that changed."""
    match listed_symbol(lot):
        case (Field.SYMBOL, symbol) if symbol in names:
            return replace(lot, symbol=names[symbol]), Field.SYMBOL
        case (Field.UNDERLYING_SYMBOL, symbol) if symbol in names:
            return replace(lot, underlying_symbol=names[symbol]), Field.UNDERLYING_SYMBOL
    return lot, None
