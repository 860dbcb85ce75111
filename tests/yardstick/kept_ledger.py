"""A ledger kept by hand, as analytics would read it."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import numpy as np

from analytics.ledger import Ledger, Lots, Splits
from analytics.past import Past, Snapshots
from riskstream.market.actions import action_panel
from riskstream.market.arrays import Floats
from riskstream.market.returns import total_returns
from yardstick import ledger as kept

NO_DAY = np.datetime64("NaT")


def past_of(
    lots: Sequence[kept.Lot],
    tape: kept.Tape,
    first_session: date,
    declared: Decimal | None = None,
    flows: Sequence[kept.Flow] = (),
) -> Past:
    """Snapshots as kept by hand, and the ledger beneath them."""
    rows = kept.snapshots(lots, list(flows), tape, first_session, declared)

    def column(name: str) -> Floats:
        return np.array([np.nan if row[name] is None else float(row[name]) for row in rows])  # type: ignore[arg-type]

    days = np.array(list(tape.sessions[tape.counts_on(first_session) :]), dtype="datetime64[D]")
    return Past(
        Snapshots(days, column("nav"), column("pnl"), column("flow"), column("daily_return")),
        ledger=as_read(lots, tape, first_session, column("fees")[1:], column("gross_value")[:-1]),
    )


class _Action:
    def __init__(self, symbol: str, ex_date: date, ratio: float | None, amount: float | None) -> None:
        self.symbol, self.ex_date, self.ratio, self.amount = symbol, ex_date, ratio, amount


def as_read(lots: Sequence[kept.Lot], tape: kept.Tape, first_session: date, fees: Floats, gross: Floats) -> Ledger:
    """The days after the portfolio's first snapshot; loadings and factor returns are all 0, to be replaced."""
    listed = [lot for lot in lots if lot.investment_class == "PUBLIC"]
    symbols = tuple(sorted({lot.symbol for lot in listed}))
    column = {symbol: n for n, symbol in enumerate(symbols)}
    sessions = np.array(list(tape.sessions), dtype="datetime64[D]")
    begin = tape.counts_on(first_session)
    closes = np.full((len(sessions), len(symbols)), np.nan)
    for symbol in symbols:
        for day, close in tape.closes.get(symbol, {}).items():
            closes[tape.sessions.index(day), column[symbol]] = float(close)
    splits = [
        (column[symbol], day, float(ratio)) for symbol in symbols for day, ratio in tape.splits.get(symbol, {}).items()
    ]
    days = len(sessions) - begin - 1
    return Ledger(
        sessions=sessions,
        evenings=np.arange(begin, len(sessions)),
        symbols=symbols,
        lots=Lots(
            symbol=np.array([column[lot.symbol] for lot in listed], dtype=np.intp),
            quantity=np.array([float(lot.quantity * lot.multiplier) for lot in listed]),
            entry_date=np.array([lot.entry_date for lot in listed], dtype="datetime64[D]"),
            entry_price=np.array([float(lot.entry_price) for lot in listed]),
            exit_date=np.array([lot.exit_date or NO_DAY for lot in listed], dtype="datetime64[D]"),
            exit_price=np.array([np.nan if lot.exit_price is None else float(lot.exit_price) for lot in listed]),
            begins=np.full(len(listed), sessions[begin]),
        ),
        splits=Splits(
            symbol=np.array([symbol for symbol, _, _ in splits], dtype=np.intp),
            ex_date=np.array([day for _, day, _ in splits], dtype="datetime64[D]"),
            ratio=np.array([ratio for _, _, ratio in splits]),
        ),
        closes=closes,
        returns=total_returns(closes, *action_panel(_actions(tape), sessions, symbols))[begin + 1 :],
        factor_returns=np.zeros((days, 8)),
        betas=np.zeros((days, len(symbols), 8)),
        assumed=np.zeros((days, len(symbols)), dtype=bool),
        loadings_session=sessions[begin:-1],
        fees=fees,
        gross=gross,
        by_hand=tuple(sorted({lot.symbol for lot in lots if lot.investment_class != "PUBLIC"})),
        newer=False,
    )


def _actions(tape: kept.Tape) -> list[_Action]:
    found = [
        _Action(symbol, day, float(ratio), None)
        for ledger in (tape.splits, tape.distributions)
        for symbol, actions in ledger.items()
        for day, ratio in actions.items()
    ]
    for symbol, actions in tape.dividends.items():
        found += [_Action(symbol, day, None, float(amount)) for day, amount in actions.items()]
    return found
