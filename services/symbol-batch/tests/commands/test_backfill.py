"""The past filled in from the operator's chair."""

from datetime import date

import pytest

from riskstream.market.risk_factors import BENCHMARKS

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword", "ignore:Series.values returning")

MONDAY = date(2025, 7, 7)


async def test_prices_and_exposures_of_the_past_are_filled_in_by_command(desk, batch, exchange) -> None:
    company = [symbol for symbol in exchange.symbols if symbol not in BENCHMARKS][2]
    assert await batch.run_night_of(MONDAY) == "completed"
    [filled] = await desk.objects(
        "backfill", "prices", "--from", "2024-05-01", "--to", "2024-05-31", "--symbols", f"spy,{company}"
    )
    assert (filled["outcomes"], filled["bars"], filled["editions"]) == ({"OK": 2}, 44, [2])
    again = await desk.run("backfill", "prices", "--from", "2024-05-01", "--to", "2024-05-31", "--symbols", company)
    assert (again.returncode, "complete_before  1" in again.stdout) == (0, True)
    told = await desk.run("backfill", "exposures", "--from", "2025-07-03", "--to", "2025-07-04")
    assert (told.returncode, told.stdout) == (0, f"{12 * len(exchange.symbols)} exposures are new\n")
    assert "exposures of 2025-07-03: 1 of 1" in told.stderr


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (["prices", "--from", "2024-05-02", "--to", "2024-05-01"], 2, "is after"),
        (["prices", "--from", "2024-05-02"], 2, "--to"),
        (["exposures", "--from", "2024-05-01", "--to", "2024-05-02"], 1, "nothing is published yet"),
    ],
)
async def test_a_range_that_makes_no_sense_is_refused(desk, database, words, code, complaint) -> None:
    ended, sentence = await desk.refusal("backfill", *words)
    assert (ended, complaint in sentence) == (code, True), sentence
