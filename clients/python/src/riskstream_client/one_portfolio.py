"""What analytics says of one portfolio."""

from datetime import date
from typing import Literal

from riskstream_client import analytics_models as models
from riskstream_client.connection import Connection, Id, path_part

_PORTFOLIO = "/api/v1/analytics/portfolio"


class OnePortfolio(Connection):
    """A method each measure. Parameters that are left out are the service's own."""

    def overview(self, portfolio: Id, *, top: int | None = None) -> models.OverviewAnswer:
        """Value, P&L of the day and largest positions."""
        return self._ask("GET", _of(portfolio, "overview"), models.OverviewAnswer, query={"top": top})

    def factor_exposures(self, portfolio: Id) -> models.FactorExposuresAnswer:
        """Exposure to each of the twelve factors."""
        return self._ask("GET", _of(portfolio, "factor-exposures"), models.FactorExposuresAnswer)

    def positions_factor_exposures(
        self, portfolio: Id, *, top: int | None = None, skip: int | None = None
    ) -> models.PositionFactorExposuresAnswer:
        """Each position's exposure to the twelve factors, and what it brings to the portfolio's."""
        return self._ask(
            "GET",
            _of(portfolio, "positions/factor-exposures"),
            models.PositionFactorExposuresAnswer,
            query={"top": top, "skip": skip},
        )

    def risk(self, portfolio: Id, *, top: int | None = None) -> models.RiskAnswer:
        """Volatility expected of the next session, and what makes it: factors, positions, sectors."""
        return self._ask("GET", _of(portfolio, "risk"), models.RiskAnswer, query={"top": top})

    def var(self, portfolio: Id) -> models.VarAnswer:
        """Value at risk and expected shortfall of one session, historical and parametric."""
        return self._ask("GET", _of(portfolio, "var"), models.VarAnswer)

    def volatility(self, portfolio: Id) -> models.VolatilityAnswer:
        """Realised volatility of the book as held, its trend, and where it stands within a year."""
        return self._ask("GET", _of(portfolio, "volatility"), models.VolatilityAnswer)

    def concentration(self, portfolio: Id, *, top: int | None = None) -> models.ConcentrationAnswer:
        """How much of the portfolio is in few symbols and sectors."""
        return self._ask("GET", _of(portfolio, "concentration"), models.ConcentrationAnswer, query={"top": top})

    def sector_exposure(self, portfolio: Id) -> models.SectorExposureAnswer:
        """Long, short, net and gross of each sector, beside the S&P 500's weights."""
        return self._ask("GET", _of(portfolio, "sector-exposure"), models.SectorExposureAnswer)

    def correlation_matrix(self, portfolio: Id, *, top: int | None = None) -> models.CorrelationMatrixAnswer:
        """Correlations of the largest positions, and their average."""
        return self._ask(
            "GET", _of(portfolio, "correlation-matrix"), models.CorrelationMatrixAnswer, query={"top": top}
        )

    def diversification(self, portfolio: Id) -> models.DiversificationAnswer:
        """Diversification ratio and effective number of bets."""
        return self._ask("GET", _of(portfolio, "diversification"), models.DiversificationAnswer)

    def stress_test(self, portfolio: Id) -> models.StressTestAnswer:
        """Gain or loss if factors moved as in a scenario, ours or your own."""
        return self._ask("GET", _of(portfolio, "stress-test"), models.StressTestAnswer)

    def stress_test_of_your_own(self, portfolio: Id, asked: models.StressTestParameters) -> models.StressTestAnswer:
        """Gain or loss if factors moved as in a scenario, ours or your own, of your own."""
        return self._ask("POST", _of(portfolio, "stress-test"), models.StressTestAnswer, body=asked)

    def historical_replay(
        self,
        portfolio: Id,
        *,
        window: Literal["covid_crash_2020", "rising_yields_2022", "autumn_2018"] | None = None,
        since: date | None = None,
        until: date | None = None,
    ) -> models.HistoricalReplayAnswer:
        """The book as held today through a window of the past."""
        return self._ask(
            "GET",
            _of(portfolio, "historical-replay"),
            models.HistoricalReplayAnswer,
            query={"window": window, "since": since, "until": until},
        )

    def performance(
        self, portfolio: Id, *, benchmark: str | None = None, since: date | None = None, risk_free: float | None = None
    ) -> models.PerformanceAnswer:
        """Time- and money-weighted return, drawdown, Sharpe and Sortino, and all that against a benchmark."""
        return self._ask(
            "GET",
            _of(portfolio, "performance"),
            models.PerformanceAnswer,
            query={"benchmark": benchmark, "since": since, "risk_free": risk_free},
        )

    def attribution(
        self, portfolio: Id, *, since: date | None = None, until: date | None = None, top: int | None = None
    ) -> models.AttributionAnswer:
        """What made the P&L of a day or of a range: by factor, position and sector, and the unexplained rest."""
        return self._ask(
            "GET",
            _of(portfolio, "attribution"),
            models.AttributionAnswer,
            query={"since": since, "until": until, "top": top},
        )

    def what_if(self, portfolio: Id, asked: models.WhatIfParameters) -> models.WhatIfAnswer:
        """What every figure would be after trades."""
        return self._ask("POST", _of(portfolio, "what-if"), models.WhatIfAnswer, body=asked)


def _of(portfolio: Id, measure: str) -> str:
    return f"{_PORTFOLIO}/{path_part(portfolio)}/{measure}"
