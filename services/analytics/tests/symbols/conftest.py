"""One symbol with everything that can be published of it, and a way to ask about it."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest

from analytics.factors import FACTORS
from analytics.risk_model import RISK_FACTOR_NAMES

THURSDAY, FRIDAY, MONDAY, TUESDAY = (date(2024, 12, day) for day in (12, 13, 16, 17))
FETCHED = datetime(2024, 12, 16, 22, tzinfo=UTC)
RUN = UUID(int=77)


class Published:
    """Rows of the symbol layer, put in by hand."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.sql = world.connection

    async def exposure(self, edition: int, symbol: str, factor: str, **stored: Any) -> None:
        """An estimated one, but for what is `stored` instead."""
        session = await self.sql.fetchval("SELECT session FROM symbols.editions WHERE edition = $1", edition)
        usual = {
            "session": session, "edition": edition, "symbol": symbol, "factor": factor, "beta": 1.25,
            "standard_error": 0.25, "standard_error_newey_west": 0.5, "t_statistic": 5.0, "t_statistic_newey_west": 2.5,
            "r_squared": 0.4, "observations": 88, "window_sessions": 90, "method": "ols", "status": "estimated",
            "reason": None, "extreme": False, "run_id": RUN, "carried_from": None,
        }  # fmt: skip
        await self.insert("symbol_factor_exposures", usual | stored)

    async def metrics(self, edition: int, symbol: str, reasons: dict[str, str] | None = None, **stored: Any) -> None:
        session = await self.sql.fetchval("SELECT session FROM symbols.editions WHERE edition = $1", edition)
        usual = {
            "edition": edition, "symbol": symbol, "session": session, "data_quality": 1.0, "run_id": RUN,
            "reasons": orjson.dumps(reasons or {}).decode(),
        }  # fmt: skip
        await self.insert("symbol_daily_metrics", usual | stored)

    async def bars(self, symbol: str, closes: dict[date, float], **stored: Any) -> None:
        for day, close in closes.items():
            usual = {
                "symbol": symbol, "session": day, "open": close - 1, "high": close + 2, "low": close - 2,
                "close": close, "volume": 10_000, "currency": "USD", "source": "tape", "fetched_at": FETCHED,
            }  # fmt: skip
            await self.insert("market_data_cache", usual | stored)

    async def many_bars(self, symbol: str, first: date, count: int) -> None:
        """A close of 10 on `count` days from `first` on."""
        await self.sql.execute(
            "INSERT INTO symbols.market_data_cache (symbol, session, close, currency, source, fetched_at) "
            "SELECT $1, $2::date + n, 10, 'USD', 'tape', now() FROM generate_series(0, $3 - 1) n",
            symbol,
            first,
            count,
        )

    async def action(self, symbol: str, day: date, kind: str, figure: float) -> None:
        column = "amount" if kind == "dividend" else "ratio"
        await self.insert(
            "corporate_actions",
            {"symbol": symbol, "ex_date": day, "kind": kind, column: figure, "source": "tape", "fetched_at": FETCHED},
        )

    async def profile(self, symbol: str, **stored: Any) -> None:
        usual = {"symbol": symbol, "kind": "EQUITY", "source": "desk", "fetched_at": FETCHED, "fetched_on": MONDAY}
        await self.insert("company_profiles", usual | stored)

    async def model(self, edition: int, *, reason: str | None = None, factors: Sequence[str] = ()) -> None:
        named = list(factors or RISK_FACTOR_NAMES)
        flat = None if reason else [0.0] * len(named) ** 2
        figures = {"covariance": flat, "stress_covariance": flat, "sessions": 252, "half_life": 42}
        session = await self.sql.fetchval("SELECT session FROM symbols.editions WHERE edition = $1", edition)
        named_model = {"edition": edition, "session": session, "factors": named, "reason": reason, "run_id": RUN}
        await self.insert("risk_models", named_model | figures | {"typical_variances": "{}"})

    async def loadings(self, edition: int, symbol: str, **stored: Any) -> None:
        usual = {
            "edition": edition, "symbol": symbol, "betas": [float(n) for n in range(8)], "specific_variance": 0.0004,
            "observations": 252, "status": "estimated",
        }  # fmt: skip
        await self.insert("risk_loadings", usual | stored)

    async def renamed(self, old: str, new: str) -> None:
        await self.insert(
            "symbol_renames", {"symbol": old, "renamed_to": new, "effective": MONDAY, "recorded_at": FETCHED}
        )

    async def insert(self, table: str, row: dict[str, Any]) -> None:
        places = ", ".join(f"${place}" for place in range(1, len(row) + 1))
        await self.sql.execute(
            f"INSERT INTO symbols.{table} ({', '.join(row)}) VALUES ({places})",  # our own names
            *row.values(),
        )

    async def everything(self, symbol: str) -> None:
        """Edition 1 of Monday with the symbol's exposures, metrics, loadings, profile, two bars and a dividend."""
        await self.world.edition(1, MONDAY)
        await self.metrics(1, symbol, price=102.0, price_session=MONDAY)
        for factor in FACTORS:
            await self.exposure(1, symbol, factor)
        await self.model(1)
        await self.loadings(1, symbol)
        await self.profile(symbol, name="Example Inc.", next_earnings=date(2025, 1, 30))
        await self.bars(symbol, {FRIDAY: 101.0, MONDAY: 102.0})
        await self.action(symbol, MONDAY, "dividend", 0.5)


@pytest.fixture
def published(world: Any) -> Published:
    return Published(world)


Ask = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def ask(replica: Any) -> Ask:
    """Ask about a symbol; parameters by name."""

    async def get(
        symbol: str, what: str, owner: str = "ana", headers: dict[str, str] | None = None, **parameters: Any
    ) -> httpx.Response:
        response: httpx.Response = await replica.client.get(
            f"/api/v1/analytics/symbols/{symbol}/{what}",
            params=parameters,
            headers=replica.bearer(owner) | (headers or {}),
        )
        return response

    return get


@pytest.fixture
def said(ask: Ask) -> Callable[..., Awaitable[dict[str, Any]]]:
    """The same, and it must be answered; the answer."""

    async def get(symbol: str, what: str, **parameters: Any) -> dict[str, Any]:
        response = await ask(symbol, what, **parameters)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"] == "application/json"
        body: dict[str, Any] = orjson.loads(response.content)  # which knows no NaN
        return body

    return get


def days(first: date, count: int) -> list[date]:
    return [first + timedelta(days=n) for n in range(count)]
