"""What the scale benchmark concludes from what it counts."""

from collections import Counter

import pytest

from benchmarks.scale.growth import Curve, Point, exponent_of
from benchmarks.scale.independence import Counted, Independence, _is_uncounted, _words


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0])
def test_the_exponent_of_a_power_is_its_own(exponent: float) -> None:
    sizes = [10, 100, 5_000]
    assert exponent_of(sizes, [3.0 * size**exponent for size in sizes]) == pytest.approx(exponent)


def test_one_point_does_not_say_how_it_grows() -> None:
    assert Curve("a", "b", "c", (Point(10, 1.0),)).exponent is None


def counted(statements: int = 2, inserted: int = 5, requests: int = 7) -> Counted:
    return Counted(
        10, 1.0, {"chart": requests}, statements, {"editions": (inserted, 0, 0)}, Counter({"INSERT": statements})
    )


def test_the_same_work_is_no_difference() -> None:
    assert Independence(counted(), counted()).differences == []


@pytest.mark.parametrize(
    ("many", "what"),
    [(counted(statements=3), "statements"), (counted(inserted=6), "rows"), (counted(requests=8), "req")],
)
def test_more_work_beside_more_portfolios_is_named(many: Counted, what: str) -> None:
    [found] = Independence(counted(), many).differences
    assert found.startswith(what)


def test_statements_are_counted_and_what_goes_with_the_clock_is_not() -> None:
    lines = [
        "2026-01-01 LOG:  statement: BEGIN;\n",
        "2026-01-01 LOG:  execute __asyncpg_stmt_1__: INSERT INTO symbols.editions VALUES ($1)\n",
        "2026-01-01 DETAIL:  Parameters: $1 = '1'\n",
        "2026-01-01 LOG:  execute <unnamed>: UPDATE symbols.provider_limits SET rate = $1\n",
        "2026-01-01 LOG:  execute <unnamed>: UPDATE symbols.batch_runs SET lease_until = clock_timestamp()\n",
        "2026-01-01 LOG:  statement: SELECT current_setting('jit') AS cur, set_config('jit', 'off', false)\n",
        "2026-01-01 LOG:  statement: COPY incoming_12 FROM STDIN\n",
        "2026-01-01 LOG:  execute <unnamed>: \n",
        "\tSELECT what FROM begins_on_the_second_line\n",
        "2026-01-01 LOG:  execute __asyncpg_stmt_2__: SELECT\n",
        "\t    t.oid,\n",
        "\t    t.typelem     AS elemtype\n",
        "2026-01-01 LOG:  execute __asyncpg_stmt_3__: SELECT\n",
        "\t    what FROM is_asked_by_us\n",
    ]
    counted = [words for words in _words(lines) if not _is_uncounted(words)]
    assert counted == [
        "INSERT INTO symbols.editions VALUES ($?)",
        "COPY incoming_? FROM STDIN",
        "SELECT what FROM begins_on_the_second_line",
        "SELECT what FROM is_asked_by_us",
    ]


def test_the_last_step_is_told_beside_the_whole() -> None:
    curve = Curve("a", "b", "c", (Point(10, 1.0), Point(100, 1.0), Point(1_000, 100.0)))
    assert curve.exponent == pytest.approx(1.0)
    assert curve.last_exponent == pytest.approx(2.0)
