"""What was held on evenings gone by, read as the owner's request may read it: lots, prices, splits, loadings."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest

from analytics.ledger import Ledger
from analytics.past import Wanted
from analytics.risk_model import RISK_FACTOR_NAMES
from riskstream.market.risk_factors import BENCHMARKS

DAYS = [date(2024, 12, day) for day in (5, 6, 9, 10, 11, 12)]
FRIDAY, MONDAY, TUESDAY = date(2024, 12, 13), date(2024, 12, 16), date(2024, 12, 17)
ALL = [*DAYS, FRIDAY, MONDAY]


@pytest.fixture
async def market(world: Any) -> Any:
    """Eight sessions up to Monday, the funds at 100, and an edition on Thursday, Friday and Monday."""
    await world.calendar(*DAYS)
    for fund in BENCHMARKS:
        await bars(world, fund, dict.fromkeys(ALL, 100.0))
    for number, day in ((1, DAYS[-1]), (2, FRIDAY), (3, MONDAY)):
        await world.edition(number, day)
        await model(world, number, day)
    return world


async def bars(world: Any, symbol: str, closes: dict[date, float]) -> None:
    await world.connection.executemany(
        "INSERT INTO symbols.market_data_cache (symbol, session, close, currency, source, fetched_at) "
        "VALUES ($1, $2, $3, 'USD', 'test', now())",
        [(symbol, day, close) for day, close in closes.items()],
    )


async def model(world: Any, edition: int, day: date, *, reason: str | None = None) -> None:
    flat = None if reason else [0.0] * 64
    await world.connection.execute(
        "INSERT INTO symbols.risk_models (edition, session, factors, covariance, sessions, half_life, shrinkage, "
        "stress_covariance, stress_sessions, stress_shrinkage, typical_variances, reason, run_id) "
        "VALUES ($1, $2, $3, $4, 252, 42, 0.1, $4, 1260, 0.1, '{}', $5, $6)",
        edition,
        day,
        list(RISK_FACTOR_NAMES),
        flat,
        reason,
        UUID(int=1),
    )


async def loadings(world: Any, edition: int, symbol: str, market_beta: float, *, assumed: bool = False) -> None:
    await world.connection.execute(
        "INSERT INTO symbols.risk_loadings (edition, symbol, betas, specific_variance, observations, status, reason) "
        "VALUES ($1, $2, $3, 0.0004, 252, $4, $5)",
        edition,
        symbol,
        [market_beta, *([0.25] * 7)],
        "assumed" if assumed else "estimated",
        "too_few_observations" if assumed else None,
    )


async def lot(world: Any, portfolio: UUID, symbol: str, quantity: float, entry: date = DAYS[0], **more: Any) -> None:
    columns = {
        "position_id": uuid4(),
        "portfolio_id": portfolio,
        "owner_id": "ana",
        "symbol": symbol,
        "quantity": quantity,
        "entry_price": 10,
        "entry_date": entry,
        "investment_class": "PUBLIC",
        **more,
    }
    places = ", ".join(f"${n}" for n in range(1, len(columns) + 1))
    await world.connection.execute(
        f"INSERT INTO portfolios.positions ({', '.join(columns)}) VALUES ({places})", *columns.values()
    )


async def read(replica: Any, portfolio: UUID, since: date | None = MONDAY, until: date | None = None) -> Ledger | None:
    wanted = Wanted(ledger=True, since=since, until=until)
    _, _, past = await replica.portfolios.read("ana", portfolio, lambda _: wanted)
    found: Ledger | None = past.ledger
    return found


async def valued(world: Any, portfolio: UUID, *sessions: date, **more: Any) -> None:
    for session in sessions:
        await world.fold(portfolio, 3, session, world.lot("AAA", 1_000.0), **more)


async def test_lots_prices_splits_and_loadings_are_those_of_the_evenings(market: Any, replica: Any) -> None:
    portfolio = await market.portfolio()
    await bars(market, "AAA", dict(zip(ALL, [10, 10, 10, 10, 10, 10, 20, 11], strict=True)))
    await market.connection.execute(
        "INSERT INTO symbols.corporate_actions (symbol, ex_date, kind, ratio, amount, source, fetched_at) VALUES "
        "('AAA', $1, 'split', 2, NULL, 'test', now()), ('AAA', $1, 'dividend', NULL, 0.5, 'test', now())",
        MONDAY,
    )
    await lot(market, portfolio, "AAA", 100, multiplier=2)
    await lot(market, portfolio, "AAA", -30, FRIDAY, exit_date=MONDAY, exit_price=12)
    await lot(market, portfolio, "HOUSE", 1, investment_class="PRIVATE")
    await loadings(market, 1, "AAA", 1.1)
    await loadings(market, 2, "AAA", 1.2, assumed=True)
    await loadings(market, 3, "AAA", 1.3)
    await valued(market, portfolio, DAYS[-1], FRIDAY, MONDAY, fees=3.0)
    found = await read(replica, portfolio, since=FRIDAY)
    assert found is not None
    assert (found.symbols, found.by_hand, found.newer) == (("AAA",), ("HOUSE",), False)
    assert found.sessions[found.evenings].tolist() == [DAYS[-1], FRIDAY, MONDAY]
    assert found.sessions.tolist() == ALL
    assert sorted(found.lots.quantity.tolist()) == [-30.0, 200.0]
    assert found.lots.begins.tolist() == [DAYS[-1]] * 2
    assert sorted(found.lots.exit_price[~np.isnan(found.lots.exit_price)].tolist()) == [12.0]
    assert (found.splits.ratio.tolist(), found.splits.ex_date.tolist()) == ([2.0], [MONDAY])
    assert found.returns[:, 0] == pytest.approx([1.0, 22.5 / 20 - 1])
    assert found.factor_returns.tolist() == [[0.0] * 8] * 2
    assert found.betas[:, 0, 0].tolist() == [1.1, 1.2]
    assert found.betas[:, 0, 7].tolist() == [0.25, 0.25]
    assert found.assumed[:, 0].tolist() == [False, True]
    assert found.loadings_session.tolist() == [DAYS[-1], FRIDAY]
    assert (found.fees.tolist(), found.gross.tolist()) == ([3.0, 3.0], [1_000.0, 1_000.0])


async def test_only_the_wanted_days_are_read(market: Any, replica: Any) -> None:
    portfolio = await market.portfolio()
    await bars(market, "AAA", dict.fromkeys(ALL, 10.0))
    await lot(market, portfolio, "AAA", 100)
    await lot(market, portfolio, "OLD", 5, exit_date=DAYS[2], exit_price=4)
    await lot(market, portfolio, "LATE", 5, MONDAY)
    await valued(market, portfolio, *DAYS, FRIDAY, MONDAY)
    found = await read(replica, portfolio, since=FRIDAY, until=FRIDAY)
    assert found is not None
    assert found.sessions[found.evenings].tolist() == [DAYS[-1], FRIDAY]
    assert found.symbols == ("AAA",)
    whole = await read(replica, portfolio, since=None)
    assert whole is not None
    assert whole.symbols == ("AAA", "LATE", "OLD")
    assert len(whole.evenings) == 8


async def test_a_first_session_has_no_day_before_it(market: Any, replica: Any) -> None:
    portfolio = await market.portfolio()
    await valued(market, portfolio, MONDAY)
    assert await read(replica, portfolio) is None
    answer = await replica.ask(portfolio, "attribution")
    assert answer["data"]["reason"] == "no_session"


async def test_loadings_are_carried_for_five_sessions_and_never_from_the_future(market: Any, replica: Any) -> None:
    portfolio = await market.portfolio()
    await market.connection.execute("DELETE FROM symbols.risk_models")
    await model(market, 1, DAYS[-1], reason="benchmark_missing")
    await market.connection.execute(
        "INSERT INTO symbols.editions (edition, session, kind, run_id, published_at) "
        "VALUES (0, $1, 'night', $2, now())",
        DAYS[1],
        UUID(int=9),
    )
    await model(market, 0, DAYS[1])
    await model(market, 3, MONDAY)
    for edition in (0, 1, 3):
        await loadings(market, edition, "AAA", 1.0 + edition)
    await lot(market, portfolio, "AAA", 100)
    await valued(market, portfolio, *DAYS, FRIDAY, MONDAY)
    found = await read(replica, portfolio, since=DAYS[1])
    assert found is not None
    # The first evening has none; the others that of Friday the 6th, which is five sessions before Friday the 13th.
    assert [None if np.isnan(one) else one for one in found.betas[:, 0, 0]] == [None, *([1.0] * 6)]
    assert found.loadings_session.tolist() == [None, *([DAYS[1]] * 6)]
    await market.connection.execute("UPDATE symbols.editions SET session = $1 WHERE edition = 0", DAYS[0])
    older = await read(replica, portfolio, since=DAYS[1])
    assert older is not None
    assert older.loadings_session.tolist() == [*([DAYS[0]] * 6), None]
    assert np.isnan(older.betas[-1]).all()
    alone = await read(replica, portfolio, since=MONDAY)
    assert alone is not None
    assert alone.loadings_session.tolist() == [None]


async def test_a_later_edition_of_a_session_counts_and_one_after_the_books_does_not(market: Any, replica: Any) -> None:
    portfolio = await market.portfolio()
    await lot(market, portfolio, "AAA", 100)
    await loadings(market, 2, "AAA", 1.2)
    await market.edition(4, FRIDAY)
    await model(market, 4, FRIDAY)
    await loadings(market, 4, "AAA", 1.4)
    await valued(market, portfolio, FRIDAY, MONDAY)
    early = await read(replica, portfolio)
    await market.fold(portfolio, 4, MONDAY, market.lot("AAA", 1_000.0))
    late = await read(replica, portfolio)
    assert early is not None
    assert late is not None
    assert (early.betas[0, 0, 0], late.betas[0, 0, 0]) == (1.2, 1.4)


async def test_lots_are_as_of_the_version_that_was_valued(market: Any, replica: Any) -> None:
    portfolio = await market.portfolio()
    await lot(market, portfolio, "AAA", 100)
    await lot(market, portfolio, "GONE", 100, deleted_version=1)
    await valued(market, portfolio, FRIDAY, MONDAY)
    await market.change(portfolio)
    await lot(market, portfolio, "NEW", 100, created_version=2, changed_version=2)
    found = await read(replica, portfolio)
    assert found is not None
    assert (found.symbols, found.newer) == (("AAA",), False)
    await market.connection.execute("UPDATE portfolios.positions SET changed_version = 2 WHERE symbol = 'AAA'")
    changed = await read(replica, portfolio)
    assert changed is not None
    assert changed.newer
    answer = await replica.ask(portfolio, "attribution")
    assert answer["data"]["reason"] == "valuation_is_older_than_its_lots"


async def test_a_symbol_that_the_edition_does_not_know_is_not_valued(market: Any, replica: Any) -> None:
    portfolio = await market.portfolio()
    await lot(market, portfolio, "AAA", 100)
    await lot(market, portfolio, "NEW", 100)
    await valued(market, portfolio, FRIDAY, MONDAY, unknown=["NEW"])
    found = await read(replica, portfolio)
    assert found is not None
    assert found.symbols == ("AAA",)


async def test_nobody_reads_anothers_lots(market: Any, replica: Any) -> None:
    portfolio = await market.portfolio()
    await lot(market, portfolio, "AAA", 100)
    await lot(market, portfolio, "THEIRS", 100, owner_id="bob")
    await valued(market, portfolio, FRIDAY, MONDAY)
    found = await read(replica, portfolio)
    assert found is not None
    assert found.symbols == ("AAA",)


async def test_a_session_without_snapshot_between_two_leaves_no_return(market: Any, replica: Any) -> None:
    portfolio = await market.portfolio()
    await bars(market, "AAA", dict.fromkeys(ALL, 10.0))
    await lot(market, portfolio, "AAA", 100)
    await valued(market, portfolio, DAYS[-1], MONDAY)
    found = await read(replica, portfolio)
    assert found is not None
    assert found.sessions[found.evenings].tolist() == [DAYS[-1], MONDAY]
    assert np.isnan(found.returns).all()
    assert np.isnan(found.factor_returns).all()


async def test_the_days_attribution_by_http_and_together(market: Any, replica: Any) -> None:
    """110 shares from 10 to 11; the snapshots' P&L is 12, so that −98 are unexplained."""
    portfolio = await market.portfolio()
    await bars(market, "AAA", {FRIDAY: 10.0, MONDAY: 11.0})
    await lot(market, portfolio, "AAA", 110)
    await loadings(market, 2, "AAA", 1.0)
    await valued(market, portfolio, FRIDAY, MONDAY)
    data = (await replica.ask(portfolio, "attribution"))["data"]
    assert data["specific_pnl"] == pytest.approx(110)
    assert data["pnl"] == pytest.approx(data["factor_pnl"] + data["specific_pnl"] + data["unexplained_pnl"])
    assert data["days"][0]["loadings_session"] == str(FRIDAY)
    response = await replica.client.get("/api/v1/analytics/portfolios/attribution", headers=replica.bearer("ana"))
    assert response.status_code == 200, response.text
    assert response.json()["data"]["figures"]["specific_pnl"] == pytest.approx(110)


async def test_performance_by_http(market: Any, replica: Any) -> None:
    portfolio = await market.portfolio()
    await valued(market, portfolio, DAYS[-1], FRIDAY, MONDAY)
    data = (await replica.ask(portfolio, "performance", benchmark="TLT"))["data"]
    assert (data["start"], data["sessions"], data["against"]["benchmark"]) == (str(DAYS[-1]), 2, "TLT")
    assert data["against"]["benchmark_return"] == 0.0
