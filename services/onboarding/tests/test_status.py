"""The status of a portfolio follows from what is there."""

import pytest

from onboarding.status import Status, UnknownSymbol, derive, is_over

QUEUED = UnknownSymbol("NEW", "queued")
NOT_ASKED = UnknownSymbol("NEW", None)
FAILED = UnknownSymbol("NOPE", "failed", reason="not_found")


@pytest.mark.parametrize(
    ("unknown", "version", "valued", "status"),
    [
        ([], 1, 1, Status.READY),
        ([], 1, 2, Status.READY),
        ([], 1, None, Status.PENDING),
        ([], 3, 2, Status.PENDING),
        ([QUEUED], 1, 1, Status.PENDING),
        ([NOT_ASKED], 1, 1, Status.PENDING),
        ([FAILED], 1, 1, Status.ERROR),
        ([FAILED], 1, None, Status.ERROR),
        ([QUEUED, FAILED], 1, 1, Status.ERROR),
    ],
)
def test_status_follows_from_symbols_and_valuation(unknown, version, valued, status):
    assert derive(unknown, version, valued) is status


@pytest.mark.parametrize("unknown", [[], [QUEUED], [FAILED]])
def test_a_version_that_cannot_be_valued_is_an_error_whatever_else_is_on_its_way(unknown):
    assert derive(unknown, 2, 1, valuation_failed=True) is Status.ERROR
    assert is_over(unknown, 2, 1, valuation_failed=True) is (QUEUED not in unknown)
    assert not is_over(unknown, 2, 1)
