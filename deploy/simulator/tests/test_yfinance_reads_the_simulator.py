from concurrent.futures import ThreadPoolExecutor

import pytest
from yfinance.exceptions import YFPricesMissingError, YFRateLimitError, YFTzMissingError

from market_simulator.faults import Fault


def test_closes_are_those_of_the_history_as_of_the_clock(simulator, client_of):
    symbol = next(iter(simulator.market.planted.loadings))
    history = simulator.history(symbol)
    frame = client_of(simulator).history(symbol, start="2023-01-01")
    assert frame["Close"].tolist() == history.close.tolist()
    assert frame["Volume"].tolist() == history.volume.tolist()
    assert [day.date() for day in frame.index] == [simulator.market.sessions.day(k) for k in history.session]


def test_a_429_is_a_rate_limit_error(simulator, client_of):
    simulator.faults.add(Fault(kind="refuse"))
    with pytest.raises(YFRateLimitError):
        client_of(simulator).history("SPY")


def test_an_unknown_symbol_is_missing_and_not_refused(simulator, client_of):
    with pytest.raises((YFPricesMissingError, YFTzMissingError)):
        client_of(simulator).history("NOSUCH")


def test_threads_read_what_one_reader_reads(simulator, client_of):
    client = client_of(simulator)
    symbols = [symbol for symbol in simulator.market.series if simulator.history(symbol) is not None][:40]
    with ThreadPoolExecutor(10) as threads:
        frames = dict(zip(symbols, threads.map(client.history, symbols), strict=True))
    for symbol in symbols:
        assert frames[symbol]["Close"].iloc[-1] == simulator.history(symbol).close[-1]


def test_info_names_the_sector_as_yahoo_does_and_a_market_value_that_fits_the_price(simulator, client_of):
    symbol = next(iter(simulator.market.planted.loadings))
    info = client_of(simulator).ticker(symbol).info
    assert info["sector"] == "Technology"
    assert info["marketCap"] == round(info["sharesOutstanding"] * info["regularMarketPrice"])
