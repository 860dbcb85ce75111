import hashlib
import subprocess
import sys
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from market_simulator.as_of import history_as_of
from market_simulator.market import Market
from market_simulator.synthetic.generate import generate, synthesis_at
from market_simulator.synthetic.listings import MOST_COMPANIES, companies

SMALL = synthesis_at(date(2025, 7, 9), seed=7, symbols=20)


def fingerprint(market: Market) -> str:
    digest = hashlib.sha256()
    for symbol, series in market.series.items():
        digest.update(symbol.encode())
        for array in (series.session, series.open, series.high, series.low, series.close, series.volume):
            digest.update(array.tobytes())
        digest.update(repr((series.splits, series.dividends, series.delisted)).encode())
    return digest.hexdigest()


def total_returns(market: Market, symbol: str) -> tuple[np.ndarray, np.ndarray]:
    """Sessions and total returns between consecutive ones, from what a client would read at the end."""
    series = market.series[symbol]
    end = int(series.session[-1])
    history = history_as_of(series, end)
    dividends = np.zeros(len(market.sessions))
    for dividend in history.dividends:
        dividends[dividend.session] = dividend.amount
    follows = np.flatnonzero(np.diff(history.session) == 1) + 1
    sessions = history.session[follows]
    return sessions, (history.close[follows] + dividends[sessions]) / history.close[follows - 1] - 1


def test_another_process_generates_the_same_market():
    program = (
        "from datetime import date; from test_synthetic_market import fingerprint, SMALL;"
        "from market_simulator.synthetic.generate import generate; print(fingerprint(generate(SMALL)))"
    )
    folder = __file__.rsplit("/", 1)[0]
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {folder!r}); {program}"]
    there = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert there == fingerprint(generate(SMALL))


def test_another_seed_generates_another_market():
    assert fingerprint(generate(SMALL)) != fingerprint(generate(replace(SMALL, seed=8)))


def test_more_symbols_change_none_that_were_there():
    small, large = generate(SMALL), generate(replace(SMALL, symbols=80))
    for symbol, series in small.series.items():
        assert large.series[symbol].close.tolist() == pytest.approx(series.close.tolist(), rel=1e-12)
        assert large.series[symbol].volume.tolist() == series.volume.tolist()


def test_a_later_start_or_horizon_changes_no_close_of_a_session():
    early = generate(SMALL)
    late = generate(replace(SMALL, start=date(2025, 1, 2), horizon=date(2027, 12, 31)))
    for symbol, series in late.series.items():
        before = early.series[symbol]
        days = {early.sessions.dates[k]: close for k, close in zip(before.session, before.close, strict=True)}
        for k, close in zip(series.session, series.close, strict=True):
            day = late.sessions.dates[k]
            assert day > early.sessions.dates[-1] or days[day] == pytest.approx(close, rel=1e-12)


def test_the_total_return_of_a_fund_is_the_benchmark_return_of_the_process():
    market = generate(SMALL)
    for column, symbol in enumerate(market.planted.benchmarks):
        sessions, returns = total_returns(market, symbol)
        assert len(market.series[symbol].dividends) >= 7
        np.testing.assert_allclose(returns, market.planted.benchmark_returns[sessions, column], atol=1e-12)


def test_splits_and_dividends_leave_no_mark_on_total_returns(synthetic_market):
    for symbol, series in synthetic_market.series.items():
        if series.splits:
            _, returns = total_returns(synthetic_market, symbol)
            assert np.max(np.abs(returns)) < 0.2


def test_every_kind_of_event_happens_in_the_stage(synthetic_market):
    series = synthetic_market.series.values()
    ratios = {split.ratio for one in series for split in one.splits}
    assert {2.0, 1.5, 0.1, 1.281} <= ratios
    assert sum(one.delisted is not None for one in series) == 1
    assert sum(bool(np.any(np.diff(one.session) > 1)) for one in series) >= 2
    assert sum(int(one.session[0]) > 0 for one in series) >= 1
    assert all(one.dividends for one in list(series)[:8])


def test_one_company_was_listed_forty_sessions_before_the_reference_day(synthetic_market):
    reference = synthetic_market.sessions.first_from(date(2025, 7, 9))
    assert [int(one.session[0]) for one in synthetic_market.series.values()].count(reference - 40) == 1


def test_the_default_is_five_hundred_symbols_of_all_sectors_with_one_in_dash_form():
    market = generate(synthesis_at(date(2025, 7, 9), seed=7))
    assert len(market.series) == 500
    assert len({one.listing.sector for one in market.series.values()}) == 12
    assert sum("-" in symbol for symbol in market.series) == 1


def test_bars_are_sound(synthetic_market):
    for series in synthetic_market.series.values():
        assert np.all(series.low <= np.minimum(series.open, series.close))
        assert np.all(series.high >= np.maximum(series.open, series.close))
        assert np.all(series.low > 0)
        assert np.all(series.volume > 0)


def test_no_company_shares_its_symbol():
    symbols = [company.symbol for company in companies(MOST_COMPANIES)]
    assert len(set(symbols)) == MOST_COMPANIES


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"symbols": 19}, "too few"),
        ({"symbols": 100_000}, "can name"),
        ({"start": date(2025, 7, 9)}, "must follow each other"),
        ({"start": date(2014, 1, 2)}, "must follow each other"),
    ],
)
def test_an_impossible_market_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        generate(replace(SMALL, **change))
