"""What the edition says of a symbol's exposures, now and in the past: as stored, null with a reason."""

from datetime import date
from math import inf, nan, sqrt
from typing import Any
from uuid import UUID

import pytest

from analytics.factors import FACTORS
from analytics.risk_model import RISK_FACTOR_NAMES

THURSDAY, FRIDAY, MONDAY, TUESDAY = (date(2024, 12, day) for day in (12, 13, 16, 17))


@pytest.fixture
async def edition(world: Any, published: Any) -> Any:
    """Edition 1 of Monday, which contains AAA, and nothing of it yet."""
    await world.edition(1, MONDAY)
    await published.metrics(1, "AAA")
    return published


async def test_the_twelve_are_given_as_they_are_stored_in_their_order(edition: Any, said: Any) -> None:
    for place, factor in enumerate(reversed(FACTORS)):
        await edition.exposure(1, "AAA", factor, beta=float(place))
    found = (await said("AAA", "exposures"))["exposures"]
    assert [(one["factor"], one["beta"]) for one in found] == [
        (factor, float(11 - place)) for place, factor in enumerate(FACTORS)
    ]
    assert found[0] == {
        "factor": "market_beta", "name": "Market Beta", "beta": 11.0, "standard_error": 0.25, "t_statistic": 5.0,
        "standard_error_newey_west": 0.5, "t_statistic_newey_west": 2.5, "r_squared": 0.4, "observations": 88,
        "window_sessions": 90, "method": "ols", "status": "estimated", "reason": None, "reasons": {},
        "extreme": False, "carried_from": None,
    }  # fmt: skip


async def test_every_null_has_its_reason(edition: Any, said: Any) -> None:
    none = dict.fromkeys(
        ("standard_error", "standard_error_newey_west", "t_statistic", "t_statistic_newey_west", "r_squared")
    )
    no_newey_west = {"standard_error_newey_west": None, "t_statistic_newey_west": None}
    rows: dict[str, dict[str, Any]] = {
        "market_beta": {"beta": None, "status": "null", "reason": "too_few_observations", **none},
        "value": {"method": "ridge", **no_newey_west},
        "ir_beta": {"standard_error": 0.0, "t_statistic": None},
        "momentum_spread": no_newey_west,
        "size_spread": {"r_squared": nan, "t_statistic": inf},
        "quality_spread": {"beta": nan},
    }
    for factor, stored in rows.items():
        await edition.exposure(1, "AAA", factor, **stored)
    found = {one["factor"]: one for one in (await said("AAA", "exposures"))["exposures"]}

    def of(factor: str) -> tuple[Any, ...]:
        return found[factor]["beta"], found[factor]["status"], found[factor]["reason"], found[factor]["reasons"]

    assert of("market_beta") == (None, "null", "too_few_observations", dict.fromkeys(none, "too_few_observations"))
    assert of("value") == (1.25, "estimated", None, dict.fromkeys(no_newey_west, "ols_only"))
    assert of("ir_beta") == (1.25, "estimated", None, {"t_statistic": "no_standard_error"})
    assert of("momentum_spread") == (1.25, "estimated", None, dict.fromkeys(no_newey_west, "not_stated"))
    assert of("size_spread") == (1.25, "estimated", None, dict.fromkeys(("r_squared", "t_statistic"), "not_a_number"))
    assert of("quality_spread") == (None, "null", "not_a_number", dict.fromkeys(none, "not_a_number"))
    missing = ("observations", "window_sessions", "method", *none)
    assert of("growth") == (None, "null", "not_published", dict.fromkeys(missing, "not_published"))
    for one in found.values():
        for name, figure in one.items():
            assert figure is not None or name in {"reason", "beta", "carried_from"} or name in one["reasons"], one


async def test_an_extreme_beta_is_flagged_and_a_carried_one_says_from_when(edition: Any, said: Any) -> None:
    await edition.exposure(1, "AAA", "market_beta", beta=-7.5, extreme=True, carried_from=FRIDAY)
    first = (await said("AAA", "exposures"))["exposures"][0]
    assert (first["beta"], first["extreme"], first["carried_from"]) == (-7.5, True, "2024-12-13")


async def test_it_is_the_current_edition_and_no_other_symbols(world: Any, edition: Any, said: Any) -> None:
    await edition.exposure(1, "AAA", "market_beta", beta=1.0)
    await world.edition(2, MONDAY)
    for symbol, beta in (("AAA", 2.0), ("AAAA", 3.0)):
        await edition.metrics(2, symbol)
        await edition.exposure(2, symbol, "market_beta", beta=beta)
    assert (await said("AAA", "exposures"))["exposures"][0]["beta"] == 2.0


async def test_a_factor_of_a_newer_symbol_layer_is_left_out(edition: Any, said: Any) -> None:
    await edition.exposure(1, "AAA", "carry")
    assert [one["factor"] for one in (await said("AAA", "exposures"))["exposures"]] == list(FACTORS)


async def test_loadings_are_the_eight_with_the_specific_volatility_of_a_day_and_a_year(edition: Any, said: Any) -> None:
    await edition.model(1)
    await edition.loadings(1, "AAA", observations=200, carried_from=FRIDAY)
    risk = (await said("AAA", "exposures"))["risk"]
    assert [(one["factor"], one["beta"], one["reason"]) for one in risk["betas"]] == [
        (slug, float(place), None) for place, slug in enumerate(RISK_FACTOR_NAMES)
    ]
    assert (risk["status"], risk["reason"], risk["observations"]) == ("estimated", None, 200)
    assert risk["specific_volatility"] == pytest.approx(0.02)
    assert risk["specific_volatility_annual"] == pytest.approx(0.02 * sqrt(252))
    assert (risk["specific_volatility_reason"], risk["carried_from"]) == (None, "2024-12-13")


async def test_assumed_loadings_say_why(edition: Any, said: Any) -> None:
    await edition.model(1)
    short = "too_few_observations"
    await edition.loadings(1, "AAA", status="assumed", reason=short, specific_variance=None, observations=3)
    risk = (await said("AAA", "exposures"))["risk"]
    assert (risk["status"], risk["reason"], risk["observations"]) == ("assumed", short, 3)
    assert (risk["specific_volatility"], risk["specific_volatility_reason"]) == (None, "nothing_typical")


async def test_numbers_that_are_none_are_null_in_loadings_too(edition: Any, said: Any) -> None:
    await edition.model(1)
    await edition.loadings(1, "AAA", betas=[nan, inf, *[0.5] * 6], specific_variance=nan)
    risk = (await said("AAA", "exposures"))["risk"]
    assert [one["beta"] for one in risk["betas"]] == [None, None, *[0.5] * 6]
    assert [one["reason"] for one in risk["betas"][:3]] == ["not_a_number", "not_a_number", None]
    assert (risk["specific_volatility"], risk["specific_volatility_reason"]) == (None, "not_a_number")


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (None, "not_published"),
        ({"reason": "benchmark_missing"}, "benchmark_missing"),
        ({"factors": ("market", "carry")}, "other_factors"),
        ({}, "not_in_the_model"),
    ],
)
async def test_without_loadings_it_says_why(edition: Any, said: Any, model: dict[str, Any] | None, reason: str) -> None:
    if model is not None:
        await edition.model(1, **model)
    risk = (await said("AAA", "exposures"))["risk"]
    assert risk == {
        "status": None, "reason": reason, "betas": [], "specific_volatility": None, "specific_volatility_annual": None,
        "specific_volatility_reason": reason, "observations": None, "carried_from": None,
    }  # fmt: skip


@pytest.fixture
async def years(world: Any, published: Any) -> Any:
    """Thursday has two editions, Friday three, Monday one; AAA's market beta in each is the edition's number."""
    for number, session in enumerate((THURSDAY, THURSDAY, FRIDAY, FRIDAY, FRIDAY, MONDAY), start=1):
        await world.edition(number, session)
        await published.metrics(number, "AAA")
        await published.exposure(number, "AAA", "market_beta", beta=float(number), run_id=UUID(int=number))
    return published


def told(answer: dict[str, Any]) -> list[tuple[str, int, float | None]]:
    return [(point["session"], point["edition"], point["beta"]) for point in answer["points"]]


async def test_of_each_session_the_last_edition_counts_newest_first(years: Any, said: Any) -> None:
    answer = await said("AAA", "exposures/history")
    assert told(answer) == [("2024-12-16", 6, 6.0), ("2024-12-13", 5, 5.0), ("2024-12-12", 2, 2.0)]
    assert (answer["factor"], answer["name"], answer["since"], answer["until"]) == (
        "market_beta", "Market Beta", None, "2024-12-16",
    )  # fmt: skip
    point = answer["points"][1]
    assert (point["published_as"], point["run_id"], point["observations"]) == ("AAA", str(UUID(int=5)), 88)
    assert answer["next_until"] is None


async def test_a_null_exposure_of_the_past_has_its_reason(years: Any, said: Any) -> None:
    none = dict.fromkeys(("beta", "standard_error", "t_statistic", "r_squared"))
    await years.exposure(6, "AAA", "value", **none, status="null", reason="benchmark_missing")
    (point,) = (await said("AAA", "exposures/history", factor="value"))["points"]
    assert (point["beta"], point["reason"], point["reasons"]["r_squared"]) == (
        None, "benchmark_missing", "benchmark_missing",
    )  # fmt: skip


async def test_days_bound_it_both_included(years: Any, said: Any) -> None:
    for window, expected in (
        ({"since": FRIDAY}, [6, 5]),
        ({"until": FRIDAY}, [5, 2]),
        ({"since": FRIDAY, "until": FRIDAY}, [5]),
        ({"until": "2024-12-15"}, [5, 2]),
        ({"until": "2024-12-11"}, []),
        ({"since": "0001-01-01"}, [6, 5, 2]),
    ):
        answer = await said("AAA", "exposures/history", **window)
        assert [edition for _, edition, _ in told(answer)] == expected, window


async def test_pages_follow_each_other_without_a_gap_or_a_doubled_session(years: Any, said: Any) -> None:
    seen: list[int] = []
    page: dict[str, Any] = {}
    for _ in range(3):
        answer = await said("AAA", "exposures/history", limit=1, **page)
        seen += [edition for _, edition, _ in told(answer)]
        page = {"until": answer["next_until"]}
    assert (seen, page) == ([6, 5, 2], {"until": None})


async def test_sessions_before_a_symbol_was_known_have_no_points(years: Any, said: Any) -> None:
    await years.metrics(6, "NEW")
    await years.exposure(6, "NEW", "market_beta")
    answer = await said("NEW", "exposures/history", limit=1)
    assert ([session for session, _, _ in told(answer)], answer["next_until"]) == (["2024-12-16"], None)


async def test_what_was_published_under_the_old_name_is_in_it(years: Any, said: Any) -> None:
    await years.metrics(6, "NEW")
    await years.exposure(6, "NEW", "market_beta", beta=60.0)
    await years.renamed("AAA", "NEW")
    answer = await said("AAA", "exposures/history")
    assert told(answer) == [("2024-12-16", 6, 60.0), ("2024-12-13", 5, 5.0), ("2024-12-12", 2, 2.0)]
    assert [point["published_as"] for point in answer["points"]] == ["NEW", "AAA", "AAA"]
    assert (answer["symbol"], answer["renamed_from"]) == ("NEW", "AAA")


async def test_an_edition_after_the_current_one_is_not_shown(years: Any, said: Any) -> None:
    await years.sql.execute(
        "INSERT INTO symbols.editions (edition, session, kind, run_id, published_at) "
        "VALUES (7, $1, 'night', $2, now())",
        MONDAY,
        UUID(int=7),
    )
    await years.exposure(7, "AAA", "market_beta", beta=7.0)
    assert told(await said("AAA", "exposures/history"))[0] == ("2024-12-16", 6, 6.0)


async def test_a_factor_or_a_length_that_is_none_is_refused(years: Any, ask: Any) -> None:
    for wrong in ({"factor": "carry"}, {"factor": ""}, {"factor": "Value"}, {"limit": 0}, {"limit": 1_001}):
        answer = await ask("AAA", "exposures/history", **wrong)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), wrong
        assert answer.json()["errors"][0]["where"] == f"query.{next(iter(wrong))}"
    assert "growth_value_spread" in (await ask("AAA", "exposures/history", factor="x")).text
