"""Files as they arrive: what each comes to, line by line."""

import pytest

from nasty_files import NASTY, Nasty
from onboarding.imports.findings import ImportRefused
from onboarding.imports.mends import ERRORS, REFUSALS, WARNINGS


@pytest.mark.parametrize("nasty", NASTY, ids=lambda nasty: nasty.name)
def test_a_nasty_file_has_its_report(nasty: Nasty, read):
    if nasty.refusal:
        with pytest.raises(ImportRefused) as caught:
            read(nasty.content, isins=nasty.isins, most=1_000)
        assert caught.value.code == nasty.refusal
        assert caught.value.code in REFUSALS
        return
    found = read(nasty.content, isins=nasty.isins, most=1_000)
    lots = tuple(f"{lot.symbol} {lot.quantity.normalize():f} @ {lot.entry_price.normalize():f}" for lot in found.lots)
    errors = tuple(f"{error.place}:{error.column}:{error.code}" for error in found.errors)
    warnings = tuple(f"{warning.place}:{warning.code}" for warning in found.warnings)
    assert (lots, errors, warnings) == (nasty.lots, nasty.errors, nasty.warnings)
    assert all(finding.mend and finding.message for finding in [*found.errors, *found.warnings])
    assert {error.code for error in found.errors} <= ERRORS.keys()
    assert {warning.code for warning in found.warnings} <= WARNINGS.keys()


def test_there_are_sixty_of_them():
    assert len({nasty.name for nasty in NASTY}) == len(NASTY) >= 60
