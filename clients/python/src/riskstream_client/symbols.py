"""What analytics says of a symbol, to every owner alike."""

from datetime import date

from riskstream_client import analytics_models as models
from riskstream_client.connection import Connection, path_part


class SymbolFigures(Connection):
    """Symbols are given as people write them: `BRK.B` and `BRK-B` are the same."""

    def symbol_exposures(self, symbol: str) -> models.SymbolExposures:
        """The twelve exposures of the newest edition, each with its inference."""
        return self._ask("GET", _of(symbol, "exposures"), models.SymbolExposures)

    def symbol_exposure_history(
        self,
        symbol: str,
        *,
        since: date | None = None,
        until: date | None = None,
        factor: str | None = None,
        limit: int | None = None,
    ) -> models.ExposureHistory:
        """One exposure session by session, newest first."""
        query = {"since": since, "until": until, "factor": factor, "limit": limit}
        return self._ask("GET", _of(symbol, "exposures/history"), models.ExposureHistory, query=query)

    def symbol_prices(
        self, symbol: str, *, since: date | None = None, until: date | None = None
    ) -> models.SymbolPrices:
        """As-traded bars, and the corporate actions between them."""
        return self._ask("GET", _of(symbol, "prices"), models.SymbolPrices, query={"since": since, "until": until})

    def symbol_profile(self, symbol: str) -> models.SymbolProfile:
        """The company behind the symbol."""
        return self._ask("GET", _of(symbol, "profile"), models.SymbolProfile)

    def symbol_metrics(self, symbol: str) -> models.SymbolMetrics:
        """The figures of the last session."""
        return self._ask("GET", _of(symbol, "metrics"), models.SymbolMetrics)


def _of(symbol: str, what: str) -> str:
    return f"/api/v1/analytics/symbols/{path_part(symbol)}/{what}"
