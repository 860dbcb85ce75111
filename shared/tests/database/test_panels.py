"""Panels read by COPY, on a real Postgres."""

from datetime import date, timedelta

import asyncpg
import numpy as np

from local_stack.database import Database
from riskstream.database.panels import read_panel

DAYS = [date(2024, 1, 1) + timedelta(days=number) for number in range(7)]
MANY = [f"S{number}" for number in range(11_000)]
"""With seven days of each more rows than are laid at once, and not a whole number of blocks."""

EVERY_FIGURE = """
SELECT CAST(number - 1 AS integer), CAST(day AS date) - DATE '1970-01-01', CAST(number * 100 AS double precision)
    + extract(day FROM day)
FROM unnest($1::text[]) WITH ORDINALITY AS asked (symbol, number)
CROSS JOIN generate_series($2::date, $3::date, interval '1 day') AS day
"""


async def panel_of(database: Database, statement: str, symbols: list[str], sessions: list[date]) -> np.ndarray:
    connection = await asyncpg.connect(database.superuser_dsn)
    try:
        return await read_panel(connection, statement, symbols, sessions)
    finally:
        await connection.close()


async def test_every_figure_of_many_symbols_is_in_its_place(database: Database) -> None:
    panel = await panel_of(database, EVERY_FIGURE, MANY, DAYS)
    expected = np.arange(1, len(MANY) + 1) * 100.0 + np.arange(1, len(DAYS) + 1)[:, None]
    np.testing.assert_array_equal(panel, expected)


async def test_a_figure_of_a_day_that_is_no_session_belongs_to_none(database: Database) -> None:
    sessions = [DAYS[0], DAYS[3], DAYS[6]]
    panel = await panel_of(database, EVERY_FIGURE, ["A", "B"], sessions)
    np.testing.assert_array_equal(panel, [[101.0, 201.0], [104.0, 204.0], [107.0, 207.0]])


async def test_what_is_not_there_is_not_a_number(database: Database) -> None:
    panel = await panel_of(database, f"SELECT * FROM ({EVERY_FIGURE}) AS every WHERE false", ["A", "B"], DAYS)
    assert panel.shape == (7, 2)
    assert np.isnan(panel).all()
