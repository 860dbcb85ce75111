"""Whatever happens in whatever order, and whoever looks when: the same snapshots as one fold from nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from portfolio_refresh import metrics
from portfolio_refresh.folding import Folding, FoldLimits
from portfolio_refresh.store.valuations import POSITION_COLUMNS, SNAPSHOT_COLUMNS
from yardstick.ledger import Lot
from yardstick.random_ledger import NEVER, invented_tape, random_ledger, recorded_tape

HISTORY = 25
"""Sessions that are published before anything happens."""
EMPTY = (
    "TRUNCATE symbols.trading_sessions, symbols.market_data_cache, symbols.corporate_actions, symbols.editions, "
    "symbols.current_edition, symbols.symbol_daily_metrics, symbols.revisions, portfolios.portfolios, "
    "valuations.valuation_heads, valuations.portfolio_snapshots, valuations.position_values CASCADE"
)
Step = Callable[[], Awaitable[object]]


def columns(lot: Lot) -> dict[str, object]:
    """Of a row of the ledger; a price by hand is another row."""
    return {
        "symbol": lot.symbol,
        "quantity": lot.quantity,
        "entry_price": lot.entry_price,
        "entry_date": lot.entry_date,
        "entry_fee": lot.entry_fee,
        "exit_price": lot.exit_price,
        "exit_date": lot.exit_date,
        "exit_fee": lot.exit_fee,
        "investment_class": lot.investment_class,
        "multiplier": lot.multiplier,
        "underlying_symbol": lot.underlying,
        "option_type": lot.option_type,
        "strike_price": lot.strike if lot.option_type else None,
        "expiration_date": lot.expires,
    }


class Story:
    """What happens to three portfolios: every step can come at any time, the nights in their order."""

    def __init__(self, world, random, tape):
        self.world, self.random, self.tape = world, random, tape
        self.portfolios = []
        self.steps: list[Step] = []
        self.nights = iter(tape.sessions[HISTORY:])
        names = list(tape.closes)
        self.known = [name for name in names if random.random() < 0.6]
        self.steps += [lambda name=name: self.become_known(name) for name in names if name not in self.known]
        self.steps += [self.night for _ in tape.sessions[HISTORY:]]

    async def begin(self):
        await self.world.sql.execute(EMPTY)
        self.world.edition = 0
        await self.world.sql.executemany(
            "INSERT INTO symbols.trading_sessions VALUES ($1, $2, $2, false)",
            [(day, datetime.fromisoformat(f"{day}T21:00Z")) for day in self.tape.sessions],
        )
        for session in self.tape.sessions:
            await self.world.closes(session, **self.closes_of(session))
        for kind in ("split", "distribution", "dividend"):
            for symbol, ones in getattr(self.tape, f"{kind}s").items():
                for ex_date, figure in ones.items():
                    if self.random.random() < 0.7:
                        await self.world.action(symbol, ex_date, kind, figure)
                    else:
                        self.steps.append(lambda act=(symbol, ex_date, kind, figure): self.late_action(*act))
        await self.world.publish(self.tape.sessions[HISTORY - 1], self.known)
        for _ in range(3):
            await self.begin_portfolio()

    def closes_of(self, session):
        """The closes of a session, some wrong and some missing, which is mended later."""
        closes = {}
        for symbol, series in self.tape.closes.items():
            if session not in series:
                continue
            chance = self.random.random()
            if chance < 0.03:
                closes[symbol] = float(series[session]) * 1.3
            if chance < 0.08:
                mended = symbol, session, float(series[session])
                self.steps.append(lambda mended=mended: self.mend_close(*mended))
            else:
                closes[symbol] = float(series[session])
        return closes

    async def begin_portfolio(self):
        ledger = random_ledger(self.random, self.tape)
        equity = None if ledger.declared is None else float(ledger.declared)
        portfolio = await self.world.portfolio(ledger.first_session, equity=equity)
        self.portfolios.append(portfolio)
        for lot in ledger.lots:
            chance = self.random.random()
            if chance < 0.4:
                self.steps.append(lambda lot=lot: self.add_lot(portfolio, lot))
                continue
            first = replace(lot, quantity=lot.quantity * 2, exit_date=None, exit_price=None, exit_fee=Decimal(0))
            position = await self.add_lot(portfolio, first if chance < 0.7 else lot)
            if chance < 0.7:
                self.steps.append(lambda position=position, lot=lot: self.edit_lot(portfolio, position, lot))
            if chance > 0.9:
                self.steps.append(lambda position=position, lot=lot: self.delete_lot(portfolio, position, lot))
        for flow in ledger.flows:
            self.steps.append(lambda flow=flow: self.add_flow(portfolio, flow))

    async def night(self):
        await self.world.publish(next(self.nights), self.known)

    async def become_known(self, symbol):
        self.known.append(symbol)
        await self.world.know(symbol, await self.world.sql.fetchval("SELECT session FROM symbols.current_edition"))

    async def mend_close(self, symbol, session, close):
        await self.world.closes(session, **{symbol: close})
        await self.world.revise(symbol, session, self.known)

    async def late_action(self, symbol, ex_date, kind, figure):
        await self.world.action(symbol, ex_date, kind, figure)
        await self.world.revise(symbol, ex_date, self.known)

    async def add_lot(self, portfolio, lot):
        quantity, entry = lot.quantity, lot.entry_price
        rest = {name: value for name, value in columns(lot).items() if name not in ARGUMENTS}
        position = await self.world.lot(portfolio, lot.symbol, quantity, entry, lot.entry_date, **rest)
        for day, price in lot.prices.items():
            if self.random.random() < 0.5:
                await self.world.price_by_hand(portfolio, position, day, price)
            else:
                self.steps.append(lambda given=(position, day, price): self.price_by_hand(portfolio, *given))
        await self.world.change(portfolio, lot.entry_date)
        return position

    async def edit_lot(self, portfolio, position, lot):
        changed = columns(lot)
        sets = ", ".join(f"{name} = ${place}" for place, name in enumerate(changed, start=2))
        await self.world.sql.execute(
            f"UPDATE portfolios.positions SET {sets} WHERE position_id = $1", position, *changed.values()
        )
        await self.world.change(portfolio, lot.entry_date)

    async def delete_lot(self, portfolio, position, lot):
        await self.world.sql.execute(
            "UPDATE portfolios.positions SET deleted_version = 9 WHERE position_id = $1", position
        )
        await self.world.change(portfolio, lot.entry_date)

    async def price_by_hand(self, portfolio, position, day, price):
        await self.world.price_by_hand(portfolio, position, day, price)
        await self.world.change(portfolio, day)

    async def add_flow(self, portfolio, flow):
        await self.world.flow(portfolio, flow.day, flow.amount, str(flow.kind))
        await self.world.change(portfolio, flow.day)


ARGUMENTS = ("symbol", "quantity", "entry_price", "entry_date")


async def figures(world):
    """Everything that a fold says, without who said it when."""
    snapshots = ", ".join(SNAPSHOT_COLUMNS)
    positions = ", ".join(POSITION_COLUMNS)
    return [
        [tuple(row) for row in await world.sql.fetch(query)]
        for query in (
            f"SELECT portfolio_id, {snapshots} FROM valuations.portfolio_snapshots ORDER BY portfolio_id, session",
            f"SELECT portfolio_id, {positions} FROM valuations.position_values ORDER BY portfolio_id, position_id",
            "SELECT portfolio_id, portfolio_version, session, unknown_symbols "
            "FROM valuations.valuation_heads ORDER BY portfolio_id",
        )
    ]


async def happen(story: Story, folding: Folding) -> None:
    """Take the steps that are left in a random order, fold some portfolios in between, at times twice at once."""
    while story.steps:
        await story.steps.pop(int(story.random.integers(len(story.steps))))()
        some = [portfolio for portfolio in story.portfolios if story.random.random() < 0.4]
        times = 2 if story.random.random() < 0.2 else 1
        await asyncio.gather(*(folding.fold(some, "change") for _ in range(times)))


@pytest.mark.parametrize("prices", [invented_tape, recorded_tape])
@given(seed=st.integers(0, 2**32 - 1))
@settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # a seed has no smaller form, and each try takes seconds
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_any_order_of_events_and_prices_ends_in_the_snapshots_of_one_fold_from_nothing(
    world, engine, outbox, prices, seed
):
    random = np.random.default_rng(seed)
    folding = Folding(engine, outbox, FoldLimits(pause_seconds=0.01))
    story = Story(world, random, prices(random))
    surprises = metrics.HISTORY_CHANGED._value.get()
    await story.begin()
    await happen(story, folding)
    await folding.fold(story.portfolios, "sweep")
    # Everything that happened was announced: nobody was folded from the first session for want of a reason.
    assert metrics.HISTORY_CHANGED._value.get() == surprises
    came_to = await figures(world)
    assert len(came_to[0]) > 0
    assert NEVER not in story.known
    again = await folding.fold(story.portfolios, "sweep")
    assert sorted(again.unchanged) == sorted(story.portfolios)
    await world.sql.execute(
        "TRUNCATE valuations.valuation_heads, valuations.portfolio_snapshots, valuations.position_values"
    )
    result = await folding.fold(story.portfolios, "sweep")
    assert not result.failed
    assert await figures(world) == came_to
