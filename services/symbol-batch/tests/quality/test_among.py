"""The rule of the cross-section, on a small market with two sectors."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from symbol_batch.quality.among import ROWS_NEEDED, judge_among, trailing_betas
from symbol_batch.quality.rules import Rule

SECTORS = np.array([0] * 10 + [1] * 10)
LENGTH = 200


@dataclass
class Market:
    """Twenty symbols of beta 1 with habits of 1 %; the last session is quiet unless a test says otherwise."""

    returns: np.ndarray
    spy: np.ndarray
    volumes: np.ndarray
    sectors: np.ndarray = field(default_factory=SECTORS.copy)

    def judge(self, rows: int = 1, **options):
        return judge_among(self.returns, self.spy, self.volumes, self.sectors, rows=rows, **options)

    def flagged(self, rows: int = 1, rule: Rule = Rule.CROSS_SECTION, **options) -> list[list[int]]:
        return np.argwhere(self.judge(rows, **options).flagged[rule]).tolist()


@pytest.fixture
def market() -> Market:
    random = np.random.default_rng(11)
    spy = random.normal(0, 0.01, LENGTH)
    returns = spy[:, None] + random.normal(0, 0.01, (LENGTH, 20))
    returns[-1], spy[-1] = random.normal(0, 0.002, 20), 0.0
    return Market(returns, spy, random.uniform(900, 1100, (LENGTH, 20)))


def test_a_move_of_one_symbol_on_usual_volume_is_suspicious(market) -> None:
    market.returns[-1, 3] = -1 / 3
    assert market.flagged() == [[0, 3]]
    found = market.judge()
    assert found.residual[0, 3] == pytest.approx(-1 / 3, abs=0.005)
    assert found.z[0, 3] > 20
    assert found.volume[0, 3] == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize(("move", "flagged"), [(0.14, False), (0.16, True), (-0.14, False), (-0.16, True)])
def test_the_move_must_be_larger_than_fifteen_percent(market, move: float, flagged: bool) -> None:
    market.returns[-1] = 0
    market.returns[-1, 3] = move
    assert bool(market.flagged()) is flagged


def test_the_move_must_be_larger_than_six_of_the_symbols_own_deviations(market) -> None:
    market.returns[:-1, 3] += np.random.default_rng(5).normal(0, 0.05, LENGTH - 1)
    market.returns[-1, 3] = 0.20
    assert market.flagged() == []
    market.returns[-1, 3] = 0.60
    assert market.flagged() == [[0, 3]]


@pytest.mark.parametrize(("times", "flagged"), [(2.9, True), (3.1, False)])
def test_volume_of_three_times_the_usual_confirms_a_move(market, times: float, flagged: bool) -> None:
    market.returns[-1, 3] = -0.25
    market.volumes[-22:, 3] = 1000
    market.volumes[-1, 3] = 1000 * times
    assert bool(market.flagged()) is flagged


def test_an_unknown_volume_confirms_nothing(market) -> None:
    market.returns[-1, 3] = -0.25
    market.volumes[-1, 3] = np.nan
    assert market.flagged() == [[0, 3]]
    market.volumes[:, 3] = np.nan
    assert market.flagged() == [[0, 3]]


def test_volumes_before_a_split_are_compared_in_shares_of_the_same_size(market) -> None:
    ratios = np.ones(market.returns.shape)
    ratios[-1, 3] = 4.0
    market.returns[-1, 3] = -0.25
    market.volumes[-1, 3] = 4000
    assert market.flagged() == []
    assert market.flagged(ratios=ratios) == [[0, 3]]


def test_what_the_market_does_is_no_symbols_fault(market) -> None:
    market.spy[-1] = -0.25
    market.returns[-1] -= 0.25
    assert market.flagged() == []


def test_what_a_sector_does_is_no_symbols_fault(market) -> None:
    market.returns[-1, SECTORS == 1] += 0.25
    assert market.flagged() == []
    market.sectors[:] = -1
    assert market.judge().residual[0, 15] == pytest.approx(0.125, abs=0.02)


def test_a_sector_of_fewer_than_five_is_no_yardstick(market) -> None:
    market.sectors[:4] = 2
    market.returns[-1, :4] += 0.30
    assert market.flagged() == [[0, 0], [0, 1], [0, 2], [0, 3]]
    market.sectors[4] = 2
    assert market.flagged() == [[0, 4]]  # now the four are the sector, and the fifth did not move with it


def test_symbols_without_a_sector_are_held_against_all(market) -> None:
    market.sectors[3] = -1
    market.returns[-1, 3] = 0.30
    assert market.flagged() == [[0, 3]]


def test_on_a_night_when_all_are_beyond_their_habits_more_is_needed(market) -> None:
    calm = market.returns[-1].copy()
    market.returns[-1, 3] = 0.20
    assert market.flagged() == [[0, 3]]
    market.returns[-1] = np.where(np.arange(20) % 2, 0.08, -0.08) + calm
    market.returns[-1, 3] = 0.20
    assert market.flagged() == []
    market.returns[-1, 3] = 0.90
    assert market.flagged() == [[0, 3]]


def test_a_quiet_symbols_scale_is_at_least_half_a_percent(market) -> None:
    market.returns[:, 3] = market.spy
    market.returns[-1, 3] = 0.16
    assert market.judge().z[0, 3] <= 0.17 / 0.005


def test_a_symbol_without_history_is_not_judged_here(market) -> None:
    market.returns[: LENGTH - 22, 3] = np.nan
    market.returns[-1, 3] = 0.30
    assert market.flagged() == [[0, 3]]
    market.returns[LENGTH - 22, 3] = np.nan
    assert market.flagged() == []
    assert np.isnan(market.judge().z[0, 3])


def test_a_missing_return_is_neither_flagged_nor_in_the_way(market) -> None:
    market.returns[-1, 5] = np.nan
    market.returns[-1, 3] = 0.30
    assert market.flagged() == [[0, 3]]


def test_several_sessions_are_judged_as_each_would_be_alone(market) -> None:
    market.returns[-3, 3], market.returns[-1, 4] = 0.30, -0.30
    together = market.judge(rows=3)
    assert market.flagged(rows=3) == [[0, 3], [2, 4]]
    for row in range(3):
        end = LENGTH - 2 + row
        alone = judge_among(market.returns[:end], market.spy[:end], market.volumes[:end], market.sectors, rows=1)
        np.testing.assert_allclose(together.z[row], alone.z[0], rtol=1e-9)
        np.testing.assert_allclose(together.volume[row], alone.volume[0])


def test_rows_before_those_needed_change_nothing(market) -> None:
    short = slice(-ROWS_NEEDED, None)
    few = judge_among(market.returns[short], market.spy[short], market.volumes[short], market.sectors, rows=1)
    np.testing.assert_allclose(few.z, market.judge().z, rtol=1e-9)


def test_betas_are_those_of_ordinary_least_squares_on_the_ninety_rows_before(market) -> None:
    market.returns[100:103, 2] = np.nan
    found = trailing_betas(market.returns, market.spy, LENGTH - 1)
    for column in (0, 2, 19):
        y, x = market.returns[-91:-1, column], market.spy[-91:-1]
        both = np.isfinite(y)
        assert found[0, column] == pytest.approx(np.polyfit(x[both], y[both], 1)[0], rel=1e-9)


def test_beta_is_one_with_fewer_than_sixty_returns(market) -> None:
    market.returns[-91:-61, 2] = np.nan
    market.returns[-91:-60, 3] = np.nan
    beta = trailing_betas(market.returns, market.spy, LENGTH - 1)[0]
    assert beta[2] != 1.0
    assert beta[3] == 1.0


def test_given_betas_are_taken_and_a_missing_one_is_one(market) -> None:
    market.spy[-1] = 0.10
    market.returns[-1] = 0.10
    market.returns[-1, 3] = 0.30
    betas = np.ones(20)
    betas[3] = 3.0
    assert market.judge(betas=betas).residual[0, 3] == pytest.approx(0.0)
    betas[3] = np.nan
    assert market.judge(betas=betas).residual[0, 3] == pytest.approx(0.20)


def test_a_market_of_fewer_than_five_has_no_median_to_subtract() -> None:
    random = np.random.default_rng(2)
    spy = random.normal(0, 0.01, 160)
    returns = spy[:, None] + random.normal(0, 0.01, (160, 3))
    returns[-1, :2] = 0.40
    found = judge_among(returns, spy, np.full((160, 3), 9.0), np.zeros(3, dtype=int), rows=1)
    assert found.flagged[Rule.CROSS_SECTION][0].tolist() == [True, True, False]


def paid(market, amount: float, before: int = 4) -> np.ndarray:
    """Dividends of 1 earlier on and one of `amount` on symbol 3's last session."""
    dividends = np.zeros(market.returns.shape)
    dividends[[30, 60, 90, 120][:before], 3] = 1.0
    dividends[-1, 3] = amount
    return dividends


@pytest.mark.parametrize(
    ("amount", "move", "flagged"),
    [(3.1, 0.08, True), (2.9, 0.08, False), (3.1, 0.02, False), (3.1, -0.08, False), (10.0, 0.08, True)],
)
def test_an_unusual_dividend_is_suspicious_where_the_price_did_not_fall_for_it(market, amount, move, flagged) -> None:
    market.returns[-1, 3] = move
    found = market.flagged(rule=Rule.DIVIDEND, dividends=paid(market, amount))
    assert found == ([[0, 3]] if flagged else [])
    assert market.flagged(rule=Rule.DIVIDEND) == []


def test_a_dividend_is_unusual_per_share_of_the_same_size(market) -> None:
    market.returns[-1, 3] = 0.08
    ratios = np.ones(market.returns.shape)
    ratios[130, 3] = 0.1
    assert market.flagged(rule=Rule.DIVIDEND, dividends=paid(market, 10.0), ratios=ratios) == []
    assert market.judge(dividends=paid(market, 10.0), ratios=ratios).dividend[0, 3] == pytest.approx(1.0)


@pytest.mark.parametrize(("before", "flagged"), [(2, True), (1, False), (0, False)])
def test_a_dividend_is_unusual_only_after_two(market, before: int, flagged: bool) -> None:
    market.returns[-1, 3] = 0.08
    assert bool(market.flagged(rule=Rule.DIVIDEND, dividends=paid(market, 10.0, before))) is flagged


def test_a_panel_too_short_to_judge_flags_nothing(market) -> None:
    for length in (1, 2, 21):
        found = judge_among(
            market.returns[:length], market.spy[:length], market.volumes[:length], market.sectors, rows=length
        )
        assert not any(mask.any() for mask in found.flagged.values())


def test_shapes_that_do_not_fit_are_refused(market) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        judge_among(market.returns, market.spy[1:], market.volumes, market.sectors, rows=1)
    with pytest.raises(ValueError, match="rows"):
        market.judge(rows=0)
    with pytest.raises(ValueError, match="rows"):
        market.judge(rows=LENGTH + 1)
