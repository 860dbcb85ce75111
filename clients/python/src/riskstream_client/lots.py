"""The lots of a portfolio."""

from collections.abc import Sequence
from typing import Literal

from riskstream_client import onboarding_models as models
from riskstream_client.connection import Connection, Id, path_part
from riskstream_client.editing import Version, conditions, portfolio_path
from riskstream_client.onboarding_bodies import LotChange, LotClosing, NewLot


class Lots(Connection):
    """What is held and was held, lot by lot. Every change answers with the portfolio's new version and status."""

    def list_lots(
        self,
        portfolio: Id,
        *,
        after: Id | None = None,
        limit: int | None = None,
        symbol: str | None = None,
        state: Literal["open", "closed"] | None = None,
    ) -> models.Lots:
        """A page of lots, from after the last one of the page before."""
        query = {"after": after, "limit": limit, "symbol": symbol, "state": state}
        return self._ask("GET", _lots(portfolio), models.Lots, query=query)

    def read_lot(self, portfolio: Id, lot: Id) -> models.LotAnswer:
        """One lot; its `changed_version` is what a change of it names."""
        return self._ask("GET", _lot(portfolio, lot), models.LotAnswer)

    def add_lots(
        self,
        portfolio: Id,
        lots: Sequence[NewLot],
        *,
        version: Version | None = None,
        idempotency_key: str | None = None,
    ) -> models.AddedLots:
        """All of them or none; `version` is the portfolio's, where nothing may have changed since."""
        headers = conditions(version=version, key=idempotency_key)
        return self._ask("POST", _lots(portfolio), models.AddedLots, body={"lots": list(lots)}, headers=headers)

    def edit_lot(self, portfolio: Id, lot: Id, change: LotChange, *, version: Version) -> models.ChangedLot:
        """What is not named stays; None clears a field. Without its `exit_date` the lot is open again."""
        headers = conditions(version=version)
        return self._ask("PATCH", _lot(portfolio, lot), models.ChangedLot, body=change, headers=headers)

    def close_lot(
        self, portfolio: Id, lot: Id, closing: LotClosing, *, version: Version, idempotency_key: str | None = None
    ) -> models.ClosedLot:
        """Wholly, or `quantity` shares of it: these become a lot of their own, and what stays keeps its id."""
        headers = conditions(version=version, key=idempotency_key)
        return self._ask("POST", f"{_lot(portfolio, lot)}/close", models.ClosedLot, body=closing, headers=headers)

    def delete_lot(self, portfolio: Id, lot: Id, *, version: Version) -> models.ChangeMade:
        """As if it had never been held. What was sold is closed instead."""
        return self._ask("DELETE", _lot(portfolio, lot), models.ChangeMade, headers=conditions(version=version))


def _lots(portfolio: Id) -> str:
    return f"{portfolio_path(portfolio)}/lots"


def _lot(portfolio: Id, lot: Id) -> str:
    return f"{_lots(portfolio)}/{path_part(lot)}"
