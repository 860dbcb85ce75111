"""Ten years of real bars for the gate, and small markets made by hand."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from riskstream.market.returns import total_returns
from symbol_batch.actions import CorporateAction, classify_ratio
from symbol_batch.bars import TradedBars
from symbol_batch.providers.provider import ProviderBars
from symbol_batch.quality.panel import BarPanel
from yardstick.prices import FILE, require_real_data

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RealBars:
    """The recorded bars as traded, a row per session, a column per symbol."""

    sessions: list[date]
    days: npt.NDArray[np.datetime64]
    symbols: list[str]
    sectors: npt.NDArray[np.int8]
    panel: BarPanel
    returns: Floats

    def column(self, symbol: str) -> int:
        return self.symbols.index(symbol)

    @property
    def market(self) -> Floats:
        return self.returns[:, self.column("SPY")]

    def bars(self, column: int, rows: slice) -> TradedBars:
        figures = (self.panel.open, self.panel.high, self.panel.low, self.panel.close, self.panel.volume)
        known = np.isfinite(self.panel.close[rows, column])
        return TradedBars(self.days[rows], *(figure[rows, column] for figure in figures)).at(known)

    def actions(self, column: int, rows: slice) -> tuple[CorporateAction, ...]:
        symbol = self.symbols[column]
        ratios, dividends = self.panel.ratios[rows, column], self.panel.dividends[rows, column]
        sessions = self.sessions[rows]
        return (
            *(
                CorporateAction(symbol, sessions[row], classify_ratio(ratios[row]), ratio=ratios[row].item())
                for row in np.flatnonzero(ratios != 1)
            ),
            *(
                CorporateAction(symbol, sessions[row], "dividend", amount=dividends[row].item())
                for row in np.flatnonzero(dividends > 0)
            ),
        )

    def answer(self, column: int, rows: slice) -> ProviderBars:
        """What the provider would have answered on the last of the rows: adjusted for every split up to then."""
        bars, actions = self.bars(column, rows), self.actions(column, rows)
        ratios = [(a.ex_date, a.ratio) for a in actions if a.ratio is not None]
        later = np.array([np.prod([r for day, r in ratios if day > at]) for at in bars.days.tolist()])
        dividends = [
            (a.ex_date, a.amount / float(np.prod([r for day, r in ratios if day >= a.ex_date])))
            for a in actions
            if a.amount is not None
        ]
        return ProviderBars(
            days=bars.days,
            open=bars.open / later,
            high=bars.high / later,
            low=bars.low / later,
            close=bars.close / later,
            volume=bars.volume * later,
            ratios=tuple(ratios),
            dividends=tuple(dividends),
        )


@pytest.fixture(scope="session")
def real() -> RealBars:
    """The recorded bars; skips with a reason, or fails where they are required, when they are not there."""
    rows = pd.read_parquet(require_real_data()).astype({"symbol": str})
    wide = {
        name: rows.pivot(index="date", columns="symbol", values=name)
        for name in ("open", "high", "low", "close", "volume", "dividend", "split")
    }
    sessions, symbols = list(wide["close"].index), list(wide["close"].columns)
    listed = wide["split"].fillna(0.0).to_numpy()
    ratios = np.where(listed > 0, listed, 1.0)
    later = np.ones(ratios.shape)
    later[:-1] = np.cumprod(ratios[::-1], axis=0)[::-1][1:]
    panel = BarPanel(
        *(wide[name].to_numpy(float) * later for name in ("open", "high", "low", "close")),
        volume=np.rint(wide["volume"].to_numpy(float) / later),
        ratios=ratios,
        dividends=np.nan_to_num(wide["dividend"].to_numpy(float)) * later * ratios,
    )
    sector = pd.read_csv(FILE.with_name("symbols.csv")).set_index("symbol")["sector"]
    codes = pd.Categorical([sector.get(symbol) for symbol in symbols]).codes
    days = np.array(sessions, dtype="datetime64[D]")
    return RealBars(sessions, days, symbols, codes, panel, total_returns(panel.close, panel.ratios, panel.dividends))
