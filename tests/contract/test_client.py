"""What the Python client asks analytics, and reads of what that really answers."""

import inspect
from datetime import date
from uuid import uuid4

import httpx
import pytest

from contract import standing
from contract.asked import Asked
from riskstream_client import Analytics, ProblemReceived, Refreshed, Status
from riskstream_client.analytics_models import StressTestParameters, TicketRequest, TradeWanted, WhatIfParameters

METHODS = [name for name, _ in inspect.getmembers(Analytics, inspect.isfunction) if not name.startswith("_")]
BODIES = {
    "what_if": WhatIfParameters(trades=[TradeWanted(symbol="KO", quantity=1)]),
    "stress_test_of_your_own": StressTestParameters(),
}


@pytest.mark.parametrize("name", [name for name in METHODS if name not in {"live_updates", "sell_ticket", "close"}])
def test_every_answer_is_read(analytics: Analytics, name: str) -> None:
    method = getattr(analytics, name)
    if name.startswith("symbol_"):
        answer = method("brk.b")
        assert answer.symbol == "BRK-B"
        return
    body = [BODIES[name.removeprefix("portfolios_")]] if name.removeprefix("portfolios_") in BODIES else []
    answer = method(*body) if name.startswith("portfolios_") else method(standing.VALUED, *body)
    assert (answer.as_of, answer.edition) == (standing.LAST, 1)
    assert answer.data is not None


def test_parameters_arrive(analytics: Analytics) -> None:
    assert len(analytics.overview(standing.VALUED, top=2).data.top_positions) == 2
    since = date(2024, 11, 1)
    prices = analytics.symbol_prices("KO", since=since)
    assert min(bar.session for bar in prices.bars) >= since


def test_updates_are_told_as_what_they_are(analytics: Analytics) -> None:
    updates = analytics.live_updates(standing.VALUED)
    refreshed, status = next(updates), next(updates)
    assert isinstance(refreshed, Refreshed)
    assert isinstance(status, Status)
    assert (refreshed.valuation, refreshed.session, status.pending) == (1, standing.LAST, False)
    updates.close()
    assert isinstance(next(analytics.live_updates(standing.VALUED, told=1)), Status)


def test_a_ticket_opens_the_stream_for_a_browser(analytics: Analytics, asked: Asked) -> None:
    ticket = analytics.sell_ticket(TicketRequest(portfolio=standing.VALUED))
    with httpx.stream("GET", f"{asked.analytics.url}{ticket.stream}", trust_env=False) as response:
        assert response.is_success


def test_a_refusal_says_what_is_wrong(analytics: Analytics, asked: Asked) -> None:
    with pytest.raises(ProblemReceived, match="no portfolio") as missing:
        analytics.overview(uuid4())
    assert (missing.value.status, missing.value.code) == (404, "portfolio_not_found")
    with pytest.raises(ProblemReceived) as unvalued:
        analytics.overview(standing.UNVALUED)
    assert unvalued.value.code == "not_valued_yet"
    assert unvalued.value.retry_after
    with pytest.raises(ProblemReceived) as unknown:
        analytics.overview("../../portfolios")
    assert unknown.value.status == 404
    with Analytics(asked.analytics.url, "no.token") as stranger, pytest.raises(ProblemReceived) as refused:
        stranger.overview(standing.VALUED)
    assert refused.value.code == "unauthorized"
    with pytest.raises(ProblemReceived) as nothing:
        next(analytics.live_updates(uuid4()))
    assert nothing.value.status == 404


def test_an_error_of_a_proxy_is_an_error_too() -> None:
    problem = ProblemReceived.of(httpx.Response(502, html="<h1>Bad gateway</h1>", headers={"Retry-After": "3"}))
    assert (problem.status, problem.code, problem.retry_after) == (502, "no_problem_document", 3)
    assert "Bad gateway" in str(problem)
