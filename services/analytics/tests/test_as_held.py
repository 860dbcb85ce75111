"""The past of a book as it is held now: by hand, with holes, and with what the model says where nothing was seen."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from analytics.as_held import AsHeld, as_held, held_pnl
from analytics.edition import Edition
from analytics.holdings import holdings_of
from yardstick.books import Lot, book_of, edition_of, planted_market

MARKET = planted_market(["AAA", "BBB", "CCC"], seed=4)


def _edition(holes: dict[str, list[int]] | None = None, **made: Any) -> Edition:
    edition = edition_of(MARKET, **made)
    returns = edition.returns.copy()
    for symbol, sessions in (holes or {}).items():
        returns[edition.index[symbol], sessions] = np.nan
    return replace(edition, returns=returns)


def _held(lots: list[Lot], edition: Edition, sessions: int = 252) -> AsHeld:
    return as_held(held_pnl(holdings_of(book_of(lots, nav=1.0), edition), edition), sessions)


LOTS = [Lot("AAA", 300.0), Lot("BBB", -100.0), Lot("AAA", 50.0)]


def _returns(symbol: str, sessions: int = 252) -> np.ndarray:
    found: np.ndarray = MARKET.returns[MARKET.symbols.index(symbol), -sessions:]
    return found


def test_it_is_todays_values_times_the_returns_of_then() -> None:
    held = _held(LOTS, _edition())
    np.testing.assert_allclose(held.pnl, 350.0 * _returns("AAA") - 100.0 * _returns("BBB"), rtol=1e-12, atol=1e-12)
    assert (len(held.sessions), held.left_out, held.filled_share) == (252, 0, 0.0)
    assert held.sessions[-1] == np.datetime64("2024-12-16")
    assert held.entered.all()


def test_a_missing_return_is_what_the_factors_of_the_session_make_of_the_symbol() -> None:
    held = _held(LOTS, _edition({"BBB": [-252, -7]}))
    loadings = MARKET.betas[MARKET.symbols.index("BBB")]
    for session in (0, 245):
        said = loadings @ MARKET.factors[63 + session]
        assert held.pnl[session] == pytest.approx(350.0 * _returns("AAA")[session] - 100.0 * said, rel=1e-9)
    assert list(held.filled) == [0, 2]
    assert held.filled_share == pytest.approx(100.0 * 2 / (450.0 * 252))


def test_a_young_assumed_symbol_is_filled_with_the_market() -> None:
    edition = _edition(assumed={"CCC": "too_few_observations"}, missing={"CCC": 300})
    held = _held([Lot("CCC", 1000.0)], edition)
    np.testing.assert_allclose(held.pnl[:237], 1000.0 * MARKET.factors[63:300, 0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(held.pnl[237:], 1000.0 * _returns("CCC")[237:], rtol=1e-12)
    assert (held.filled[0], held.filled_share) == (237, pytest.approx(237 / 252))


def test_a_session_is_left_out_when_neither_return_nor_factors_are_there() -> None:
    held = _held(LOTS, _edition({"BBB": [-7], "SPY": [-7]}))
    assert (len(held.sessions), held.left_out) == (251, 1)
    np.testing.assert_allclose(held.pnl, np.delete(350.0 * _returns("AAA") - 100.0 * _returns("BBB"), 245), rtol=1e-9)
    assert list(held.filled) == [0, 0]


def test_missing_factors_alone_cost_no_session() -> None:
    assert _held(LOTS, _edition({"SPY": [-7, -8]})).left_out == 0


def test_a_symbol_without_loadings_costs_a_few_sessions_or_does_not_enter() -> None:
    edition = _edition({"BBB": list(range(-12, 0))}, model_reason="benchmark_missing")
    seldom = _held(LOTS, edition)
    assert (seldom.entered.all(), seldom.left_out) == (True, 12)
    often = _held(LOTS, _edition({"BBB": list(range(-13, 0))}, model_reason="benchmark_missing"))
    assert (list(often.entered), often.left_out) == ([True, False], 0)
    np.testing.assert_allclose(often.pnl, 350.0 * _returns("AAA"), rtol=1e-12)


def test_a_symbol_whose_lots_cancel_out_costs_no_session() -> None:
    lots = [Lot("AAA", 300.0), Lot("BBB", 50.0), Lot("BBB", -50.0)]
    held = _held(lots, _edition({"BBB": [-7]}, model_reason="benchmark_missing"))
    assert (held.left_out, list(held.filled), held.filled_share) == (0, [0, 0], 0.0)
    np.testing.assert_allclose(held.pnl, 300.0 * _returns("AAA"), rtol=1e-12)


def test_a_short_history_is_all_there_is() -> None:
    short = edition_of(planted_market(["AAA"], sessions=3))
    assert len(_held([Lot("AAA", 1.0)], short).pnl) == 3
    none = replace(short, returns=np.empty((len(short.index), 0)), sessions=short.sessions[:0])
    held = _held([Lot("AAA", 1.0)], none)
    assert (len(held.pnl), held.filled_share) == (0, 0.0)


def test_a_book_without_holdings_made_nothing() -> None:
    held = _held([], _edition())
    assert not held.pnl.any()
    assert (len(held.pnl), len(held.entered)) == (252, 0)


def test_the_edition_is_left_as_it_was() -> None:
    edition = _edition({"BBB": [-7]})
    _held(LOTS, edition)
    assert np.isnan(edition.returns[edition.index["BBB"], -7])


def test_what_lies_before_the_editions_history_is_left_out_for_all() -> None:
    """Prices that begin 270 sessions ago, in a database that is young, are no holes of its symbols."""
    edition = _edition()
    returns = edition.returns.copy()
    returns[:, :45] = np.nan
    young = replace(edition, returns=returns)
    held = _held(LOTS, young, sessions=315)
    whole = _held(LOTS, edition, sessions=270)
    np.testing.assert_allclose(held.pnl, whole.pnl, rtol=1e-12, atol=1e-12)
    assert (len(held.sessions), held.left_out, held.filled_share) == (270, 45, 0.0)
    assert held.entered.all()
    assert _held(LOTS, young, sessions=252).left_out == 0
    assert not young.given_returns.holed.any(), "or every book of a young database would be gone through day by day"


def test_without_any_factor_each_symbols_own_past_is_all_there_is() -> None:
    edition = _edition({"SPY": list(range(315)), "BBB": list(range(200))})
    held = _held(LOTS, edition, sessions=315)
    assert held.entered.tolist() == [True, False]
    np.testing.assert_allclose(held.pnl, 350.0 * _returns("AAA", 315), rtol=1e-12, atol=1e-12)
