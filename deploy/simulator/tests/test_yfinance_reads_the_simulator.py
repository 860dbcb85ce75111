from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import curl_cffi.requests.exceptions
import pytest
import yfinance
from yfinance.exceptions import YFPricesMissingError, YFRateLimitError, YFTzMissingError

from market_simulator.faults import Fault
from market_simulator.simulator import Simulator
from riskstream.runtime.clock import Clock


@pytest.fixture
def company(simulator) -> str:
    return next(iter(simulator.market.planted.loadings))


def days(simulator, sessions) -> list:
    return [simulator.market.sessions.day(int(session)) for session in sessions]


def test_bars_are_those_of_the_history_as_of_the_clock(simulator, client_of, company):
    history = simulator.history(company)
    frame = client_of(simulator).history(company, start="2023-01-01")
    assert [day.date() for day in frame.index] == days(simulator, history.session)
    for column in ("Open", "High", "Low", "Close", "Volume"):
        assert frame[column].tolist() == getattr(history, column.lower()).tolist()
    assert frame["Adj Close"].tolist() == history.adj_close.tolist()


def test_dividends_and_splits_are_on_their_days(simulator, client_of):
    client = client_of(simulator)
    histories = [simulator.history(symbol) for symbol in simulator.market.series]
    split = [history for history in histories if history is not None and history.splits]
    assert len(split) >= 4
    for history in split:
        frame = client.history(history.listing.symbol, start="2023-01-01")
        splits = frame["Stock Splits"][frame["Stock Splits"] != 0]
        dividends = frame["Dividends"][frame["Dividends"] != 0]
        assert [day.date() for day in splits.index] == days(simulator, [one.session for one in history.splits])
        assert splits.tolist() == [one.ratio for one in history.splits]
        assert [day.date() for day in dividends.index] == days(simulator, [one.session for one in history.dividends])
        assert dividends.tolist() == [one.amount for one in history.dividends]


def test_the_day_before_a_split_the_client_reads_prices_as_traded(synthetic_market, client_of):
    everyone = synthetic_market.series.items()
    symbol, series = next((symbol, one) for symbol, one in everyone if [split.ratio for split in one.splits] == [2.0])
    eve = synthetic_market.sessions.day(series.splits[0].session - 1)
    clock = Clock(datetime.fromisoformat(f"{eve}T23:00:00+00:00"))
    frame = client_of(Simulator(synthetic_market, clock)).history(symbol, start="2023-01-01")
    final = dict(zip(days(Simulator(synthetic_market, clock), series.session), series.close, strict=True))
    assert frame.index[-1].date() == eve
    assert [close / final[day.date()] for day, close in frame["Close"].items()] == pytest.approx([2.0] * len(frame))


def test_a_fund_has_its_dividends_and_no_capital_gains(simulator, client_of):
    frame = client_of(simulator).history("TLT", start="2025-01-01")
    assert (frame["Dividends"] > 0).sum() >= 6
    assert frame["Capital Gains"].tolist() == [0.0] * len(frame)


def test_a_429_is_a_rate_limit_error(simulator, client_of):
    simulator.faults.add(Fault(kind="refuse"))
    with pytest.raises(YFRateLimitError):
        client_of(simulator).history("SPY")


def test_one_refusal_is_overcome_by_the_clients_own_second_request(simulator, client_of):
    simulator.faults.add(Fault(kind="refuse", first=1))
    assert not client_of(simulator).history("SPY").empty


def test_an_unknown_symbol_is_missing_and_not_refused(simulator, client_of):
    with pytest.raises(YFTzMissingError):
        client_of(simulator).history("NOSUCH")


def test_a_symbol_that_becomes_unknown_is_missing_with_yahoos_words(simulator, client_of):
    client = client_of(simulator)
    client.history("SPY")
    simulator.faults.add(Fault(kind="unknown", symbols=frozenset({"SPY"})))
    with pytest.raises(YFPricesMissingError, match="may be delisted"):
        client.history("SPY", start="2024-02-01")


def test_a_web_page_instead_of_prices_is_no_prices(simulator, client_of):
    client = client_of(simulator)
    client.history("SPY")
    simulator.faults.add(Fault(kind="html"))
    with pytest.raises(ValueError, match="line 1 column 1"):
        client.history("SPY", start="2024-02-01")


def test_a_hang_is_the_clients_timeout(simulator, client_of):
    client = client_of(simulator)
    client.history("SPY")
    simulator.faults.add(Fault(kind="hang", milliseconds=60_000))
    with pytest.raises(curl_cffi.requests.exceptions.Timeout):
        client.history("SPY", start="2024-02-01", timeout=0.2)


def test_a_dropped_symbol_ends_a_session_early(simulator, client_of):
    simulator.faults.add(Fault(kind="drop", symbols=frozenset({"SPY"})))
    client = client_of(simulator)
    assert client.history("SPY").index[-1].date().isoformat() == "2025-07-08"
    assert client.history("TLT").index[-1].date().isoformat() == "2025-07-09"


def test_threads_read_what_one_reader_reads(simulator, client_of):
    client = client_of(simulator)
    symbols = [symbol for symbol in simulator.market.series if simulator.history(symbol) is not None][:40]
    with ThreadPoolExecutor(10) as threads:
        frames = dict(zip(symbols, threads.map(client.history, symbols), strict=True))
    for symbol in symbols:
        assert frames[symbol]["Close"].iloc[-1] == simulator.history(symbol).close[-1]
    assert simulator.ledger.report()["max_in_flight"] <= 10


def test_info_names_the_sector_as_yahoo_does_and_a_market_value_that_fits_the_price(simulator, client_of, company):
    info = client_of(simulator).ticker(company).info
    assert info["sector"] == "Technology"
    assert info["marketCap"] == round(info["sharesOutstanding"] * info["regularMarketPrice"])
    assert info["regularMarketPrice"] == simulator.history(company).close[-1]


def test_the_income_statement_is_readable(simulator, client_of, company):
    revenue = client_of(simulator).ticker(company).income_stmt.loc["Total Revenue"]
    assert revenue.iloc[0] > 0


@pytest.fixture
def raises_errors() -> Iterator[None]:
    """What symbol-batch sets once a process, and tests of both run in one."""
    hidden, yfinance.config.debug.hide_exceptions = yfinance.config.debug.hide_exceptions, False
    yield
    assert yfinance.config.debug.hide_exceptions is False
    yfinance.config.debug.hide_exceptions = hidden


def test_a_client_that_was_set_up_before_is_left_so(raises_errors, fresh_yfinance):
    assert yfinance.config.debug.hide_exceptions is False
