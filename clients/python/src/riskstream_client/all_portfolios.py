"""What analytics says of all of an owner's portfolios as one book."""

from datetime import date
from typing import Literal

from riskstream_client import analytics_models as models
from riskstream_client.connection import Connection

_PORTFOLIOS = "/api/v1/analytics/portfolios"


class AllPortfolios(Connection):
    """A method each measure, with the prefix `portfolios_`. Parameters that are left out are the service's own."""

    def portfolios_overview(self, *, top: int | None = None) -> models.CombinedOverviewAnswer:
        """Value, P&L of the day and largest positions."""
        return self._ask("GET", f"{_PORTFOLIOS}/overview", models.CombinedOverviewAnswer, query={"top": top})

    def portfolios_factor_exposures(self) -> models.CombinedFactorExposuresAnswer:
        """Exposure to each of the twelve factors."""
        return self._ask("GET", f"{_PORTFOLIOS}/factor-exposures", models.CombinedFactorExposuresAnswer)

    def portfolios_positions_factor_exposures(
        self, *, top: int | None = None, skip: int | None = None
    ) -> models.CombinedPositionFactorExposuresAnswer:
        """Each position's exposure to the twelve factors, and what it brings to the portfolio's."""
        return self._ask(
            "GET",
            f"{_PORTFOLIOS}/positions/factor-exposures",
            models.CombinedPositionFactorExposuresAnswer,
            query={"top": top, "skip": skip},
        )

    def portfolios_risk(self, *, top: int | None = None) -> models.CombinedRiskAnswer:
        """Volatility expected of the next session, and what makes it: factors, positions, sectors."""
        return self._ask("GET", f"{_PORTFOLIOS}/risk", models.CombinedRiskAnswer, query={"top": top})

    def portfolios_var(self) -> models.CombinedVarAnswer:
        """Value at risk and expected shortfall of one session, historical and parametric."""
        return self._ask("GET", f"{_PORTFOLIOS}/var", models.CombinedVarAnswer)

    def portfolios_volatility(self) -> models.CombinedVolatilityAnswer:
        """Realised volatility of the book as held, its trend, and where it stands within a year."""
        return self._ask("GET", f"{_PORTFOLIOS}/volatility", models.CombinedVolatilityAnswer)

    def portfolios_concentration(self, *, top: int | None = None) -> models.CombinedConcentrationAnswer:
        """How much of the portfolio is in few symbols and sectors."""
        return self._ask("GET", f"{_PORTFOLIOS}/concentration", models.CombinedConcentrationAnswer, query={"top": top})

    def portfolios_sector_exposure(self) -> models.CombinedSectorExposureAnswer:
        """Long, short, net and gross of each sector, beside the S&P 500's weights."""
        return self._ask("GET", f"{_PORTFOLIOS}/sector-exposure", models.CombinedSectorExposureAnswer)

    def portfolios_correlation_matrix(self, *, top: int | None = None) -> models.CombinedCorrelationMatrixAnswer:
        """Correlations of the largest positions, and their average."""
        return self._ask(
            "GET", f"{_PORTFOLIOS}/correlation-matrix", models.CombinedCorrelationMatrixAnswer, query={"top": top}
        )

    def portfolios_diversification(self) -> models.CombinedDiversificationAnswer:
        """Diversification ratio and effective number of bets."""
        return self._ask("GET", f"{_PORTFOLIOS}/diversification", models.CombinedDiversificationAnswer)

    def portfolios_stress_test(self) -> models.CombinedStressTestAnswer:
        """Gain or loss if factors moved as in a scenario, ours or your own."""
        return self._ask("GET", f"{_PORTFOLIOS}/stress-test", models.CombinedStressTestAnswer)

    def portfolios_stress_test_of_your_own(self, asked: models.StressTestParameters) -> models.CombinedStressTestAnswer:
        """Gain or loss if factors moved as in a scenario, ours or your own, of all portfolios together, of your own."""
        return self._ask("POST", f"{_PORTFOLIOS}/stress-test", models.CombinedStressTestAnswer, body=asked)

    def portfolios_historical_replay(
        self,
        *,
        window: Literal["covid_crash_2020", "rising_yields_2022", "autumn_2018"] | None = None,
        since: date | None = None,
        until: date | None = None,
    ) -> models.CombinedHistoricalReplayAnswer:
        """The book as held today through a window of the past."""
        return self._ask(
            "GET",
            f"{_PORTFOLIOS}/historical-replay",
            models.CombinedHistoricalReplayAnswer,
            query={"window": window, "since": since, "until": until},
        )

    def portfolios_performance(
        self, *, benchmark: str | None = None, since: date | None = None, risk_free: float | None = None
    ) -> models.CombinedPerformanceAnswer:
        """Time- and money-weighted return, drawdown, Sharpe and Sortino, and all that against a benchmark."""
        return self._ask(
            "GET",
            f"{_PORTFOLIOS}/performance",
            models.CombinedPerformanceAnswer,
            query={"benchmark": benchmark, "since": since, "risk_free": risk_free},
        )

    def portfolios_attribution(
        self, *, since: date | None = None, until: date | None = None, top: int | None = None
    ) -> models.CombinedAttributionAnswer:
        """What made the P&L of a day or of a range: by factor, position and sector, and the unexplained rest."""
        return self._ask(
            "GET",
            f"{_PORTFOLIOS}/attribution",
            models.CombinedAttributionAnswer,
            query={"since": since, "until": until, "top": top},
        )

    def portfolios_what_if(self, asked: models.WhatIfParameters) -> models.CombinedWhatIfAnswer:
        """What every figure would be after trades."""
        return self._ask("POST", f"{_PORTFOLIOS}/what-if", models.CombinedWhatIfAnswer, body=asked)
