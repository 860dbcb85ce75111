"""Random portfolios on a stretch of a tape: recorded prices where they are there, or invented ones.

What people enter has so few decimals that no product of it lies half-way between two ten-thousandths: how a half is
rounded is not what a ledger kept by hand is for.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cache

import numpy as np
import pandas as pd

from yardstick.ledger import Flow, Lot, Tape
from yardstick.prices import recorded

WINDOW = 45
"""Sessions, of which portfolios begin after the first ten."""
SYMBOLS = 4
NEVER = "NEVER"
"""A symbol that has no price."""
_SPLITS = [*range(2, 51), 3 / 2, 5 / 4, 4 / 3, 5 / 2, 5 / 3, 6 / 5, 11 / 10, 21 / 20]


@dataclass(frozen=True)
class Ledger:
    lots: list[Lot]
    flows: list[Flow]
    first_session: date
    declared: Decimal | None


def recorded_tape(random: np.random.Generator) -> Tape:
    """A stretch of the recorded prices as traded, of symbols of which something went ex in it where possible."""
    closes, actions = _recorded()
    days = list(closes.index)
    splits = actions[actions["kind"] != "dividend"]
    chosen = splits.iloc[int(random.integers(len(splits)))]
    start = min(max(days.index(chosen["date"]) - int(random.integers(12, 40)), 0), len(days) - WINDOW)
    sessions = days[start : start + WINDOW]
    inside = actions[actions["date"].between(sessions[0], sessions[-1])]
    eventful = sorted(set(inside["symbol"]) - {chosen["symbol"]})
    names = [chosen["symbol"], *random.choice(eventful or ["KO"], SYMBOLS - 1)]
    return _tape(random, sessions, closes.loc[sessions, sorted(set(names))], inside)


def invented_tape(random: np.random.Generator) -> Tape:
    """Prices of a random walk with many gaps, and actions that go ex on any day, weekends too."""
    sessions = np.busday_offset("2024-10-01", np.arange(WINDOW), roll="forward").astype("datetime64[D]").tolist()
    walk = 50 * np.exp(np.cumsum(random.normal(0, 0.03, (WINDOW, SYMBOLS)), axis=0))
    walk[random.random(walk.shape) < 0.25] = np.nan
    names = [f"S{place}" for place in range(SYMBOLS)]
    kinds = {
        "split": [2.0, 0.1, 1.5, 3.0],
        "distribution": [1.0625, 1.28125, 0.96875],
        "dividend": [0.25, 1.5, 0.875],
    }
    actions = [
        (names[random.integers(SYMBOLS)], sessions[0] + timedelta(days=int(random.integers(60))), kind, figure)
        for kind, figures in kinds.items()
        for figure in figures
    ]
    frame = pd.DataFrame(actions, columns=["symbol", "date", "kind", "figure"])
    return _tape(random, sessions, pd.DataFrame(walk, index=sessions, columns=names), frame)


def random_ledger(random: np.random.Generator, tape: Tape) -> Ledger:
    """Lots of every kind, long and short, opened and closed on any day, partly closed ones as two."""
    lots: list[Lot] = []
    for _ in range(int(random.integers(1, 9))):
        lot = _lot(random, tape)
        lots.append(lot)
        if random.random() < 0.3 and lot.exit_date is None:
            share = Decimal("0.25")
            lots[-1] = replace(lot, quantity=lot.quantity * (1 - share))
            lots.append(_closed(random, replace(lot, quantity=lot.quantity * share)))
    kinds = random.choice(["deposit", "withdrawal", "fee"], int(random.integers(0, 6)))
    flows = [Flow(_day(random, tape), _amount(random) * (1 if kind == "deposit" else -1), kind) for kind in kinds]
    declared = _amount(random) * 1_000 if random.random() < 0.5 else None
    return Ledger(lots, flows, _day(random, tape, first=10, last=20), declared)


def _lot(random: np.random.Generator, tape: Tape) -> Lot:
    symbol = str(random.choice([*tape.closes, NEVER]))
    priced = list(tape.closes.get(symbol, {}).values()) or [Decimal(30)]
    near = priced[int(random.integers(len(priced)))]
    entered = _day(random, tape, first=-12)
    lot = Lot(
        symbol=symbol,
        quantity=Decimal(int(random.integers(1, 10_000))) / 25 * (1 if random.random() < 0.7 else -1),
        entry_price=(near * Decimal(repr(round(random.uniform(0.8, 1.2), 2)))).quantize(Decimal("0.01")),
        entry_date=entered,
        entry_fee=_fee(random),
    )
    kind = random.random()
    if kind > 0.85:
        lot = replace(lot, symbol="HOUSE", investment_class="PRIVATE", prices=_prices(random, tape, lot.entry_price))
    elif kind > 0.55:
        price = Decimal(int(random.integers(1, 900))) / 100
        lot = replace(
            lot,
            symbol=f"{symbol} OPTION",
            quantity=Decimal(int(random.integers(1, 20))).copy_sign(lot.quantity),
            entry_price=price,
            investment_class="OPTIONS",
            multiplier=Decimal(100),
            underlying=symbol,
            option_type="CALL" if random.random() < 0.5 else "PUT",
            strike=near.quantize(Decimal(1)),
            expires=entered + timedelta(days=int(random.integers(0, 50))),
            prices=_prices(random, tape, price),
        )
    return _closed(random, lot) if random.random() < 0.4 else lot


def _closed(random: np.random.Generator, lot: Lot) -> Lot:
    left = lot.entry_date + timedelta(days=int(random.integers(0, 40)))
    price = (lot.entry_price * Decimal(repr(round(random.uniform(0.7, 1.3), 2)))).quantize(Decimal("0.01"))
    return replace(lot, exit_date=left, exit_price=price, exit_fee=_fee(random))


def _prices(random: np.random.Generator, tape: Tape, near: Decimal) -> dict[date, Decimal]:
    days = [_day(random, tape) for _ in range(int(random.integers(0, 4)))]
    return {day: (near * Decimal(int(random.integers(50, 150))) / 100).quantize(Decimal("0.01")) for day in days}


def _day(random: np.random.Generator, tape: Tape, *, first: int = 0, last: int = 66) -> date:
    """Any day, counted from the tape's first."""
    return tape.sessions[0] + timedelta(days=int(random.integers(first, last)))


def _amount(random: np.random.Generator) -> Decimal:
    return Decimal(int(random.integers(1, 10_000_000))) / 10_000


def _fee(random: np.random.Generator) -> Decimal:
    return Decimal(int(random.integers(1, 100_000))) / 10_000 if random.random() < 0.5 else Decimal(0)


def _tape(random: np.random.Generator, sessions: list[date], closes: pd.DataFrame, actions: pd.DataFrame) -> Tape:
    missing = random.random(closes.shape) < random.choice([0.0, 0.1])
    known = {
        str(name): {
            day: Decimal(repr(float(close)))
            for day, close, gone in zip(sessions, closes[name], missing[:, place], strict=True)
            if not gone and np.isfinite(close)
        }
        for place, name in enumerate(closes.columns)
    }
    ledger: dict[str, dict[str, dict[date, Decimal]]] = {"split": {}, "distribution": {}, "dividend": {}}
    for row in actions.itertuples():
        if row.symbol in known:
            ledger[row.kind].setdefault(row.symbol, {})[row.date] = Decimal(repr(float(row.figure)))
    return Tape(sessions, known, ledger["split"], ledger["distribution"], ledger["dividend"])


@cache
def _recorded() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Closes as traded, sessions × symbols, and every action: symbol, date, kind, figure."""
    rows = recorded().sort_values(["symbol", "date"]).copy()
    ratio = rows["split"].fillna(0).replace(0.0, 1.0)
    from_here = ratio[::-1].groupby(rows["symbol"][::-1]).cumprod()[::-1]
    rows["traded"] = rows["close"] * from_here / ratio
    rows["paid"] = rows["dividend"].fillna(0) * from_here
    closes = rows.pivot_table(index="date", columns="symbol", values="traded", aggfunc="first")
    split = rows[ratio != 1.0].assign(figure=ratio[ratio != 1.0])
    split["kind"] = ["split" if _is_split(figure) else "distribution" for figure in split["figure"]]
    paid = rows[rows["paid"] > 0].assign(kind="dividend", figure=rows["paid"])
    return closes, pd.concat([split, paid])[["symbol", "date", "kind", "figure"]].reset_index(drop=True)


def _is_split(ratio: float) -> bool:
    return any(abs(ratio - one) <= 5e-4 for known in _SPLITS for one in (known, 1 / known))


def without_gaps(tape: Tape) -> Tape:
    """The last close stays where there is none.

    Splits of a day without session go: a return takes a dividend of the next session as one per share before them.
    """
    closes: dict[str, dict[date, Decimal]] = {}
    for symbol, known in tape.closes.items():
        near = next(iter(known.values()), Decimal(50))
        closes[symbol] = {}
        for day in tape.sessions:
            near = known.get(day, near)
            closes[symbol][day] = near
    splits = {
        symbol: {day: ratio for day, ratio in ratios.items() if day in tape.sessions}
        for symbol, ratios in tape.splits.items()
    }
    return Tape(tape.sessions, closes, splits, tape.distributions, tape.dividends)
