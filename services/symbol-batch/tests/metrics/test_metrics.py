"""Daily metrics: returns over the usual horizons, and data quality."""

from datetime import date, timedelta

import numpy as np
import pytest

from symbol_batch.metrics import HORIZONS, REASONS, DailyMetrics, compute_metrics


def weekdays(first: date, last: date) -> list[date]:
    days = (first + timedelta(days=day) for day in range((last - first).days + 1))
    return [day for day in days if day.weekday() < 5]


SESSIONS = weekdays(date(2023, 1, 2), date(2024, 5, 31))


class Market:
    """One symbol whose close is its row number plus 100; a test changes what it is about."""

    def __init__(self, sessions: list[date] = SESSIONS) -> None:
        self.sessions = sessions
        self.closes = 100.0 + np.arange(len(sessions), dtype=float)[:, None]
        self.ratios = np.ones_like(self.closes)
        self.dividends = np.zeros_like(self.closes)

    def row(self, day: date) -> int:
        return self.sessions.index(day)

    def metrics(self) -> DailyMetrics:
        return compute_metrics(self.closes, self.ratios, self.dividends, ["KO"], self.sessions)

    def returned(self, horizon: str) -> float:
        return float(self.metrics().returns[0, HORIZONS.index(horizon)])

    def reason(self, horizon: str) -> str:
        return REASONS[self.metrics().reason[0, HORIZONS.index(horizon)]]


@pytest.mark.parametrize(
    ("horizon", "reference"),
    [
        ("1d", date(2024, 5, 30)),
        ("1m", date(2024, 4, 30)),  # April has no 31st
        ("3m", date(2024, 2, 29)),
        ("mtd", date(2024, 4, 30)),
        ("ytd", date(2023, 12, 29)),  # the last session of the year was a Friday
        ("1y", date(2023, 5, 31)),
    ],
)
def test_each_horizon_starts_at_its_reference_date(horizon: str, reference: date) -> None:
    market = Market()
    assert market.returned(horizon) == pytest.approx(market.closes[-1, 0] / market.closes[market.row(reference), 0] - 1)


def test_a_reference_on_a_weekend_means_the_friday_before() -> None:
    market = Market(weekdays(date(2023, 1, 2), date(2024, 4, 15)))  # a month back is Friday 15 March, three 15 January
    sunday = Market(weekdays(date(2023, 1, 2), date(2024, 4, 17)))  # three months back is Wednesday; a month, Sunday 17
    assert market.returned("1m") == pytest.approx(
        market.closes[-1, 0] / market.closes[market.row(date(2024, 3, 15)), 0] - 1
    )
    assert sunday.returned("1m") == pytest.approx(
        sunday.closes[-1, 0] / sunday.closes[sunday.row(date(2024, 3, 15)), 0] - 1
    )


def test_on_the_first_session_of_a_year_ytd_is_that_sessions_return() -> None:
    market = Market(weekdays(date(2023, 1, 2), date(2024, 1, 1)))
    assert market.returned("ytd") == pytest.approx(market.returned("1d"))
    assert market.returned("mtd") == pytest.approx(market.returned("1d"))


def test_a_split_and_a_dividend_in_between_are_no_loss() -> None:
    market = Market()
    market.closes[:] = 100.0
    market.closes[market.row(date(2024, 3, 1)) :] = 50.0
    market.ratios[market.row(date(2024, 3, 1))] = 2.0
    market.dividends[market.row(date(2024, 3, 1))] = 4.0
    assert market.returned("1y") == pytest.approx(0.04)
    assert market.returned("3m") == pytest.approx(0.04)
    assert market.returned("1m") == pytest.approx(0.0)


def test_a_missing_session_in_between_does_not_take_the_longer_returns_away() -> None:
    market = Market()
    market.closes[market.row(date(2024, 5, 15))] = np.nan
    market.ratios[market.row(date(2024, 5, 15))] = 2.0
    later = slice(market.row(date(2024, 5, 15)), None)
    market.closes[later] /= 2
    whole = Market()
    for horizon in HORIZONS:
        assert market.returned(horizon) == pytest.approx(whole.returned(horizon))


@pytest.mark.parametrize(("age", "found"), [(5, True), (6, False)])
def test_a_reference_close_may_be_five_sessions_older_than_its_date(age: int, found: bool) -> None:
    market = Market()
    reference = market.row(date(2023, 12, 29))
    market.closes[reference - age + 1 : reference + 1] = np.nan
    assert np.isfinite(market.returned("ytd")) == found
    assert market.reason("ytd") == ("" if found else "no_reference_close")
    if found:
        assert market.returned("ytd") == pytest.approx(market.closes[-1, 0] / market.closes[reference - age, 0] - 1)


@pytest.mark.parametrize("age", [1, 5])
def test_a_stale_price_is_given_with_its_age_and_has_no_day_return(age: int) -> None:
    market = Market()
    market.closes[-age:] = np.nan
    metrics = market.metrics()
    assert (metrics.price[0], metrics.staleness[0]) == (market.closes[-age - 1, 0], age)
    assert (np.isnan(market.returned("1d")), market.reason("1d")) == (True, "no_price")
    assert market.returned("1y") == pytest.approx(
        metrics.price[0] / market.closes[market.row(date(2023, 5, 31)), 0] - 1
    )


def test_a_price_older_than_five_sessions_is_no_price() -> None:
    market = Market()
    market.closes[-6:] = np.nan
    metrics = market.metrics()
    assert np.isnan(metrics.price[0])
    assert metrics.staleness[0] == -1
    assert {market.reason(horizon) for horizon in HORIZONS} == {"no_price"}


def test_the_day_return_needs_the_session_before() -> None:
    market = Market()
    market.closes[-2] = np.nan
    assert (np.isnan(market.returned("1d")), market.reason("1d")) == (True, "no_reference_close")
    assert market.reason("1m") == ""


def test_a_listing_after_the_reference_date_has_no_such_return() -> None:
    market = Market()
    market.closes[: market.row(date(2024, 3, 18))] = np.nan
    assert [market.reason(horizon) for horizon in HORIZONS] == [
        "", "", "no_reference_close", "", "no_reference_close", "no_reference_close",
    ]  # fmt: skip
    assert market.metrics().data_quality[0] == 1.0


def test_a_horizon_that_begins_before_the_panel_is_null() -> None:
    market = Market(weekdays(date(2024, 5, 1), date(2024, 5, 31)))
    assert [market.reason(horizon) for horizon in HORIZONS] == ["", *["no_reference_close"] * 5]


def test_a_single_session_has_a_price_and_nothing_else() -> None:
    market = Market([date(2024, 5, 31)])
    assert market.metrics().price[0] == 100.0
    assert {market.reason(horizon) for horizon in HORIZONS} == {"no_reference_close"}


def test_leap_day_looks_back_to_the_end_of_february() -> None:
    market = Market(weekdays(date(2023, 1, 2), date(2024, 2, 29)))
    assert market.returned("1y") == pytest.approx(
        market.closes[-1, 0] / market.closes[market.row(date(2023, 2, 28)), 0] - 1
    )


def test_data_quality_is_the_share_of_the_last_252_sessions_with_a_close() -> None:
    market = Market()
    market.closes[10:50] = np.nan
    assert market.metrics().data_quality[0] == 1.0
    market.closes[-63:] = np.nan
    assert market.metrics().data_quality[0] == pytest.approx(0.75)
    market.closes[:] = np.nan
    assert market.metrics().data_quality[0] == 0.0


def test_columns_have_none_where_there_is_no_number() -> None:
    market = Market()
    market.closes[-6:] = np.nan
    columns = market.metrics().columns()
    assert columns["symbol"] == ["KO"]
    assert (columns["price"], columns["staleness"], columns["return_1y"]) == ([None], [None], [None])
    assert columns["return_1y_reason"] == ["no_price"]
    assert Market().metrics().columns()["return_1d_reason"] == [None]
    assert set(columns) >= {f"return_{horizon}" for horizon in HORIZONS} | {"data_quality"}


def test_symbols_do_not_touch_each_other() -> None:
    market, gappy = Market(), Market()
    gappy.closes[-40::3] = np.nan
    both = compute_metrics(
        np.hstack([market.closes, gappy.closes]),
        np.hstack([market.ratios, gappy.ratios]),
        np.hstack([market.dividends, gappy.dividends]),
        ["KO", "GAP"],
        SESSIONS,
    )
    for index, alone in enumerate((market.metrics(), gappy.metrics())):
        np.testing.assert_array_equal(both.returns[index], alone.returns[0])
        assert both.data_quality[index] == alone.data_quality[0]


@pytest.mark.parametrize("sessions", [SESSIONS[:-1], []])
def test_a_panel_that_does_not_fit_is_refused(sessions: list[date]) -> None:
    market = Market()
    with pytest.raises(ValueError, match="do not fit"):
        compute_metrics(market.closes, market.ratios, market.dividends, ["KO"], sessions)


def test_sessions_out_of_order_are_refused() -> None:
    market = Market(SESSIONS[::-1])
    with pytest.raises(ValueError, match="sessions must increase"):
        market.metrics()
