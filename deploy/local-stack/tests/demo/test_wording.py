"""Numbers as text."""

from local_stack.demo import wording


def test_a_null_is_its_reason_and_never_a_zero() -> None:
    assert wording.usd(None, "no_risk_model") == "no risk model"
    assert wording.percent(None) == wording.NONE
    assert wording.usd(0.0, "no_risk_model") == "0.00"


def test_what_rounds_to_nothing_has_no_minus_and_large_numbers_are_grouped() -> None:
    assert wording.signed_usd(-0.001) == wording.signed_usd(0.0) == "+0.00"
    assert wording.signed_usd(-1234567.891) == "-1,234,567.89"
    assert wording.signed_percent(-0.0123) == "-1.2%"


def test_of_what_is_left_out_the_first_are_named_and_the_rest_counted() -> None:
    excluded = [{"symbol": f"S{n}", "reason": "no_returns"} for n in range(8)]
    [note] = wording.left_out(excluded)
    assert note.startswith("Left out: S0 (no returns), ")
    assert note.endswith(" and 2 more.")
    assert wording.left_out([]) == []
