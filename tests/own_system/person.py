"""Somebody who holds portfolios of a system that runs, and asks it by the client that people have."""

from datetime import date
from types import TracebackType
from typing import Self
from uuid import UUID

from local_stack.system import System
from riskstream_client import Analytics, Portfolios
from riskstream_client.onboarding_bodies import Amount, NewPosition

BOUGHT = date(2026, 2, 2)


def lot(symbol: str, quantity: int = 10) -> NewPosition:
    """Bought at 100 USD, some weeks before any test's first night."""
    return NewPosition(symbol=symbol, quantity=quantity, entry_price=100, entry_date=BOUGHT)


class Person:
    """An owner, at services that were started once; a context manager."""

    def __init__(self, system: System, owner: str = "alice") -> None:
        def token() -> str:
            return system.issuer.token(owner)

        self.portfolios = Portfolios(system.onboarding.url, token)
        self.analytics = Analytics(system.analytics.url, token)

    def hold(self, *symbols: str, quantity: int = 10, declared_equity: Amount | None = None) -> UUID:
        """A new portfolio, named after the first symbol, with a lot of each."""
        lots = [lot(symbol, quantity) for symbol in symbols]
        return self.portfolios.create_portfolio(symbols[0], lots, declared_equity=declared_equity).portfolio_id

    def is_ready(self, portfolio: UUID) -> bool:
        return self.portfolios.read_status(portfolio).status == "ready"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.portfolios.close()
        self.analytics.close()
