"""`python -m forecast_check`: the panel's table, and 1 as exit status where a bound does not hold."""

import argparse
import sys

import numpy as np

from analytics.edition import RETURN_SESSIONS
from forecast_check.panel import PanelBook, panel
from forecast_check.recorded import recorded
from forecast_check.scores import LEVELS, METHODS, Scores, bounds, judge, kupiec, pooled
from yardstick import prices


def main() -> int:
    """Judge, print, and say whether the bounds hold."""
    parser = argparse.ArgumentParser(prog="forecast_check", description=__doc__)
    parser.add_argument("--sessions", type=int, default=500, help="how many of the last recorded sessions to forecast")
    parser.add_argument("--books", action="store_true", help="list every book, too")
    asked = parser.parse_args()
    if not prices.FILE.exists():
        sys.exit(f"the recorded prices are not at {prices.FILE}: without them there is nothing to judge by")
    market = recorded()
    most = len(market.sessions) - 1 - RETURN_SESSIONS
    if not 2 <= asked.sessions <= most:
        sys.exit(f"--sessions {asked.sessions}: from 2 to {most}, before which there is no year to forecast from")
    last = len(market.sessions) - 1
    rows = range(last - asked.sessions, last)
    books = panel(market, rows[0])
    print(
        f"{len(books)} books, forecasts for the {len(rows)} sessions {market.sessions[rows[0] + 1]} to "
        f"{market.sessions[last]}, each from the evening before"
    )
    scores = judge(market, books, rows, _say_every_fifty)
    if asked.books:
        _print_books(books, scores)
    _print_groups(books, scores)
    return _print_bounds(scores)


def _print_bounds(scores: Scores) -> int:
    claims = bounds(scores)
    print()
    for claim in claims:
        spread = "" if claim.standard_error is None else f" ± {claim.standard_error:.2%}"
        print(f"{'ok    ' if claim.holds else 'MISSED'} {claim.what}: {claim.found:.2%}{spread}", end="")
        print(f" ({claim.least:.1%} to {claim.most:.1%})")
    found, error = pooled(scores.breaches["historical 99"])
    print(
        f"       breaches of historical 99 %: {found:.2%} ± {error:.2%}; the third worst of 252 sessions is passed on "
        f"{3 / 253:.2%} of those like them"
    )
    return int(not all(claim.holds for claim in claims))


def _print_groups(books: list[PanelBook], scores: Scores) -> None:
    groups = np.array([book.group for book in books])
    heads = [f"{method:>23}" for method in METHODS]
    print(f"\n{'group':<17}{'books':>6}{'bias':>7}{'within':>8}{'beyond':>8}{''.join(heads)}")
    for group in (*dict.fromkeys(groups), "all"):
        mine = scores.of(np.ones(len(books), dtype=bool) if group == "all" else groups == group)
        within = ((mine.bias >= 0.9) & (mine.bias <= 1.1)).mean()
        figures = "".join(f"{_breaches(mine, method):>23}" for method in METHODS)
        print(
            f"{group:<17}{len(mine.bias):>6}{mine.bias.mean():>7.3f}{within:>8.0%}{mine.beyond.mean():>8.2%}{figures}"
        )
    print(
        "bias: deviation of P&L over forecast volatility, 1 if right; within: books at 0.9 to 1.1; beyond: ±1.96.\n"
        "VaR: breaches, and books whose number of them Kupiec's test rejects at 5 %. Books move together, so that\n"
        "more or fewer than one in twenty may be rejected at once, and the standard error of a rate (±) takes the\n"
        "books of a session for one draw."
    )


def _breaches(scores: Scores, method: str) -> str:
    found = scores.breaches[method]
    rejected = sum(kupiec(int(count), len(found), LEVELS[method]) < 0.05 for count in found.sum(axis=0))
    return f"{found.mean():.2%} ({rejected} rejected)"


def _print_books(books: list[PanelBook], scores: Scores) -> None:
    for n, book in enumerate(books):
        seen = [int(scores.breaches[method][:, n].sum()) for method in METHODS]
        tested = ", ".join(
            f"{method} {count} (p {kupiec(count, len(scores.standardised), LEVELS[method]):.2f})"
            for method, count in zip(METHODS, seen, strict=True)
        )
        print(f"{book.group}: {book.name}: bias {scores.bias[n]:.3f}, {tested}")


def _say_every_fifty(done: int) -> None:
    if done % 50 == 0:
        print(f"  {done} sessions", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
