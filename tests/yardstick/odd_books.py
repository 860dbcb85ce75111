"""Books that no measure may stumble over, each with what is odd about it."""

from analytics.book import Book
from yardstick.books import Lot, book_of

HELD = tuple(f"S{n:03d}" for n in range(40))
"""Symbols that the edition holds; `GONE` and `NEW` it does not."""


def odd_books() -> dict[str, Book]:
    """By what is odd."""
    many = [Lot(HELD[n % 40], (-1) ** n * (1_000.0 + n), sector="Energy") for n in range(1_000)]
    return {
        "nothing at all": book_of([]),
        "cash only": book_of([], cash=1_000.0),
        "a debt only": book_of([], cash=-1_000.0),
        "nothing priced": book_of(
            [Lot("S001", 500.0, price_status="unpriced"), Lot("S002", -200.0, price_status="unpriced")]
        ),
        "nothing known": book_of([Lot("GONE", 500.0), Lot("NEW", 100.0)], unknown=["NEW"]),
        "one position": book_of([Lot("S001", 500.0)], cash=500.0),
        "one short position": book_of([Lot("S001", -500.0)], cash=1_500.0),
        "all short": book_of([Lot("S001", -500.0), Lot("S002", -300.0)], cash=2_000.0),
        "net short": book_of([Lot("S001", 500.0), Lot("S002", -900.0)], cash=1_000.0),
        "NAV zero": book_of([Lot("S001", 500.0), Lot("S002", -900.0)], cash=400.0),
        "NAV negative": book_of([Lot("S001", 500.0), Lot("S002", -900.0)], cash=100.0),
        "NAV of a cent": book_of([Lot("S001", 500.0), Lot("S002", -900.0)], cash=400.01),
        "lots that cancel out": book_of([Lot("S001", 500.0), Lot("S001", -500.0)], cash=10.0),
        "closed on the session": book_of([Lot("S001", 0.0)], cash=900.0),
        "only private and options": book_of(
            [
                Lot("MY HOUSE", 500.0, investment_class="PRIVATE", price_status="manual", sector="PRIVATE"),
                Lot("S001 CALL", 30.0, investment_class="OPTIONS", price_status="manual"),
            ],
            cash=5.0,
        ),
        "a bit of everything": book_of(
            [
                Lot("S001", 500.0, sector="Energy"),
                Lot("S001", -100.0, sector="Energy"),
                Lot("S002", -200.0, price_status="stale"),
                Lot("S003", 70.0, price_status="unpriced"),
                Lot("SPY", 300.0, sector="ETF"),
                Lot("NEW", 80.0),
                Lot("MY HOUSE", 500.0, investment_class="PRIVATE", price_status="manual", sector="PRIVATE"),
                Lot("S004 PUT", -20.0, investment_class="OPTIONS", price_status="manual", sector="Energy"),
            ],
            cash=50.0,
            unknown=["NEW"],
        ),
        "a thousand positions": book_of(many, cash=1e6),
        "amounts near the bound": book_of([Lot("S001", 8e14), Lot("S002", -7e14)], cash=1.0),
        "amounts below a cent": book_of([Lot("S001", 0.0001), Lot("S002", -0.0002)], cash=0.0003),
    }
