"""Every split, distribution and dividend of ten years of real prices, replayed night by night around its ex-date."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
import pytest

from symbol_batch.actions import CorporateAction, classify_ratio
from symbol_batch.bars import StoredSeries, TradedBars, traded_history
from symbol_batch.factors.arrays import Floats
from symbol_batch.prices.comparison import Comparison, Known, Taken
from symbol_batch.providers.provider import Outcome, ProviderBars
from yardstick.prices import recorded

NOW = datetime(2026, 1, 2, tzinfo=UTC)
OVERLAP, TAIL = 10, 80
JUMPS = {("DHR", date(2016, 7, 5))}
"""Held back and rightly so: a spin-off that the vendor counts twice."""


@dataclass(frozen=True)
class Listing:
    """A symbol's bars on the vendor's basis, and what goes ex on each."""

    symbol: str
    days: np.ndarray
    adjusted: Floats
    volume: Floats
    ratios: Floats
    dividends: Floats

    @property
    def factor(self) -> Floats:
        """What leads from the vendor's basis to the prices as traded."""
        after = np.cumprod(np.append(self.ratios[1:], 1.0)[::-1])[::-1]
        return np.asarray(after)

    @property
    def traded(self) -> Floats:
        return self.adjusted * self.factor[:, None]

    def actions(self, rows: slice) -> list[CorporateAction]:
        """The ledger as it should be: ratios as listed, dividends per share before the ex-date."""
        lines = []
        declared = self.dividends * self.factor * self.ratios
        for day, ratio, amount in zip(self.days[rows].tolist(), self.ratios[rows], declared[rows], strict=True):
            if ratio != 1:
                lines.append(CorporateAction(self.symbol, day, classify_ratio(float(ratio)), ratio=float(ratio)))
            if amount > 0:
                lines.append(CorporateAction(self.symbol, day, "dividend", amount=float(amount)))
        return lines

    def answer(self, first: int, last: int) -> ProviderBars:
        """What the vendor would have said on the evening of `last`: adjusted for every split up to then."""
        rows, since = slice(first, last + 1), self.factor[last]
        prices = self.adjusted[rows] * since
        split, paid = self.ratios[rows], self.dividends[rows] * since
        days = self.days[rows].tolist()
        return ProviderBars(
            self.days[rows],
            *prices.T,
            self.volume[rows] / since,
            tuple((day, float(ratio)) for day, ratio in zip(days, split, strict=True) if ratio != 1),
            tuple((day, float(amount)) for day, amount in zip(days, paid, strict=True) if amount > 0),
        )

    def stored(self, last: int, *, without: date | None = None) -> StoredSeries:
        """What earlier nights have stored up to `last`; `without` an action that they have missed."""
        rows = slice(max(last - TAIL, 0), last + 1)
        ledger = {(a.ex_date, a.kind): a for a in self.actions(slice(0, last + 1)) if a.ex_date != without}
        bars = TradedBars(self.days[rows], *self.traded[rows].T, np.rint(self.volume[rows] / self.factor[rows]))
        return StoredSeries(bars, ("yahoo",) * len(bars.days), ledger, dict.fromkeys(ledger, "yahoo"))

    def night(self, row: int, stored: StoredSeries, *, whole: bool = False) -> Comparison:
        """The night of a row's session, everything before it published."""
        session: date = self.days[row].astype(object)
        first = int(np.searchsorted(self.days, stored.bars.days[0])) if whole else max(row - OVERLAP, 0)
        history = traded_history(self.symbol, self.answer(first, row), set(self.days.tolist()), session)
        published: date = self.days[row - 1].astype(object)
        return Comparison(Known(self.symbol, published, stored), history, "yahoo", session, NOW)


@pytest.fixture(scope="module")
def listings() -> list[Listing]:
    return list(read())


def read() -> Iterator[Listing]:
    for symbol, rows in recorded().dropna(subset=["close"]).sort_values("date").groupby("symbol"):
        split = rows["split"].fillna(0).to_numpy(dtype=float)
        yield Listing(
            str(symbol),
            rows["date"].to_numpy().astype("datetime64[D]"),
            rows[["open", "high", "low", "close"]].to_numpy(dtype=float),
            rows["volume"].to_numpy(dtype=float),
            np.where(split == 0, 1.0, split),
            rows["dividend"].fillna(0).to_numpy(dtype=float),
        )


def nothing_old(taken: Taken) -> bool:
    """Whether the answer left everything that was stored as it was."""
    return taken.revision is None and not len(taken.replaced.days) and not taken.vanished


def same(ours: CorporateAction, theirs: CorporateAction) -> bool:
    one, other = ours.ratio or ours.amount or 0.0, theirs.ratio or theirs.amount or 0.0
    return (ours.ex_date, ours.kind) == (theirs.ex_date, theirs.kind) and abs(one / other - 1) < 1e-9


def test_the_night_of_an_ex_date_writes_its_bar_and_its_lines_and_nothing_else(listings: list[Listing]) -> None:
    kinds: dict[str, int] = {}
    held = set()
    for listing in listings:
        for row in np.flatnonzero((listing.ratios != 1) | (listing.dividends > 0)):
            if row <= OVERLAP:
                continue
            day = listing.days[row].astype(object)
            compared = listing.night(row, listing.stored(row - 1))
            assert compared.other_series() is None
            assert not compared.contradicts(), (listing.symbol, day)
            taken = compared.taken()
            assert taken.outcome is Outcome.OK
            assert nothing_old(taken), (listing.symbol, day)
            expected = listing.actions(slice(row, row + 1))
            if taken.held:
                held.add((listing.symbol, day))
                assert not taken.written, "what goes ex with a held bar is held with it"
                assert all(map(same, taken.held[0].actions, expected))
                continue
            assert taken.new.close == pytest.approx(listing.traded[row : row + 1, 3], rel=1e-12)
            assert len(taken.written) == len(expected)
            assert all(map(same, taken.written, expected)), (listing.symbol, day)
            for action in expected:
                kinds[action.kind] = kinds.get(action.kind, 0) + 1
    print(kinds, "held:", sorted(held))
    assert kinds["split"] > 50
    assert kinds["distribution"] > 25
    assert kinds["dividend"] > 8_000
    assert held >= JUMPS
    assert len({symbol for symbol, _ in held} - {"AMCR", "SW", "HWM"}) <= 5, "their stale rows are the vendor's"


@pytest.mark.parametrize("after", [1, 4, OVERLAP - 1])
def test_the_nights_after_a_split_find_the_same_prices_as_traded(listings: list[Listing], after: int) -> None:
    for listing in listings:
        for split in np.flatnonzero(listing.ratios != 1):
            row = split + after
            if split <= OVERLAP or row >= len(listing.days):
                continue
            compared = listing.night(row, listing.stored(row - 1))
            assert not compared.contradicts(), (listing.symbol, listing.days[split])
            taken = compared.taken()
            assert nothing_old(taken)
            assert taken.written == tuple(listing.actions(slice(row, row + 1))) or taken.held


def test_a_split_or_dividend_that_is_listed_late_is_a_revision_that_rewrites_no_price(listings: list[Listing]) -> None:
    found = 0
    for listing in listings:
        rows = [*np.flatnonzero(listing.ratios != 1), *np.flatnonzero(listing.dividends > 0)[::7]]
        for row in rows:
            day: date = listing.days[row].astype(object)
            if row <= OVERLAP or row + 3 >= len(listing.days) or (listing.symbol, day) in JUMPS:
                continue
            stored = listing.stored(row + 2, without=day)
            assert listing.night(row + 3, stored).contradicts(), (listing.symbol, day)
            taken = listing.night(row + 3, stored, whole=True).taken()
            if taken.held:
                continue
            assert taken.revision is not None, (listing.symbol, day)
            assert taken.revision.revised_from == day
            assert not len(taken.revision.bars.days), "as-traded prices do not depend on the ledger"
            assert all(map(same, taken.revision.written, listing.actions(slice(row, row + 1))))
            found += 1
    assert found > 1_000


def test_prices_that_were_adjusted_for_a_split_before_it_was_listed_are_refused(listings: list[Listing]) -> None:
    """On the ex-date the vendor gives adjusted prices and no split: all stored closes come back times one ratio."""
    refused = 0
    for listing in listings:
        for row in np.flatnonzero(np.abs(listing.ratios - 1) > 0.01):
            if row <= OVERLAP:
                continue
            stored = listing.stored(row - 1)
            answer = listing.answer(max(row - TAIL - 1, 0), int(row))
            unlisted = ProviderBars(
                answer.days, answer.open, answer.high, answer.low, answer.close, answer.volume,
                tuple((day, ratio) for day, ratio in answer.ratios if day != listing.days[row].astype(object)),
                answer.dividends,
            )  # fmt: skip
            session: date = listing.days[row].astype(object)
            history = traded_history(listing.symbol, unlisted, set(listing.days.tolist()), session)
            published: date = listing.days[row - 1].astype(object)
            compared = Comparison(Known(listing.symbol, published, stored), history, "yahoo", session, NOW)
            assert compared.contradicts()
            taken = compared.taken()
            assert taken.outcome is Outcome.BAD_DATA, (listing.symbol, session)
            assert taken.detail is not None
            assert "every stored close came back times" in taken.detail
            assert taken.revision is None
            assert not len(taken.new.days)
            refused += 1
    assert refused > 80
