"""What part of the S&P 500 each sector is, by date.

Source: the sector breakdown of S&P Dow Jones Indices' factsheet of the S&P 500, as of the last session of the year, in
per cent with one decimal. Rounding makes some of them add up to 100.1, so that `weights` are divided by their sum.
Entered by hand and not compared with the factsheets since (docs/remaining.md). To add a year, add a table: a book is
held against the newest one that is not after its session.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

SOURCE = "S&P Dow Jones Indices, factsheet of the S&P 500"


@dataclass(frozen=True)
class SectorWeights:
    """The eleven GICS sectors as printed, in per cent."""

    as_of: date
    printed: Mapping[str, float]

    @cached_property
    def weights(self) -> dict[str, float]:
        """As decimals that sum to 1."""
        whole = sum(self.printed.values())
        return {sector: per_cent / whole for sector, per_cent in self.printed.items()}


TABLES = (
    SectorWeights(
        date(2022, 12, 30),
        {
            "Information Technology": 25.7,
            "Health Care": 15.8,
            "Financials": 11.7,
            "Consumer Discretionary": 9.8,
            "Industrials": 8.7,
            "Communication Services": 7.3,
            "Consumer Staples": 7.2,
            "Energy": 5.2,
            "Utilities": 3.2,
            "Materials": 2.7,
            "Real Estate": 2.7,
        },
    ),
    SectorWeights(
        date(2023, 12, 29),
        {
            "Information Technology": 28.9,
            "Financials": 13.0,
            "Health Care": 12.6,
            "Consumer Discretionary": 10.9,
            "Industrials": 8.8,
            "Communication Services": 8.6,
            "Consumer Staples": 6.2,
            "Energy": 3.9,
            "Real Estate": 2.5,
            "Materials": 2.4,
            "Utilities": 2.3,
        },
    ),
    SectorWeights(
        date(2024, 12, 31),
        {
            "Information Technology": 32.5,
            "Financials": 13.6,
            "Consumer Discretionary": 11.3,
            "Health Care": 10.1,
            "Communication Services": 9.4,
            "Industrials": 8.2,
            "Consumer Staples": 5.5,
            "Energy": 3.2,
            "Utilities": 2.3,
            "Real Estate": 2.1,
            "Materials": 1.9,
        },
    ),
)
"""Ascending."""


def sector_weights(session: date) -> SectorWeights:
    """The newest table that is not after the session; the oldest where all are."""
    known = [table for table in TABLES if table.as_of <= session]
    return known[-1] if known else TABLES[0]
