"""Lots, flows and prices that come into a portfolio together: stored in one version, and described for its log."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from onboarding import store
from onboarding.edits import Edit
from onboarding.imports.flow import CashFlow
from onboarding.imports.lot import Lot
from onboarding.ledger.described import flow_as_json, lot_as_json, price_as_json
from onboarding.store.changes import Resources


async def enter(
    edit: Edit, lots: Sequence[Lot], flows: Sequence[CashFlow], prices: Sequence[Mapping[date, Decimal]] = ()
) -> Resources:
    """Store all of it; returns each lot, flow and price as the log says it.

    `prices` are what each lot was worth on which day, as its owner says; empty where nobody has said any.
    """
    connection, owner, portfolio, version = edit.connection, edit.owner, edit.portfolio_id, edit.version
    lot_ids = await store.insert_lots(connection, owner, portfolio, lots, version=version)
    said = [(lot_id, *each) for lot_id, by_day in zip(lot_ids, prices, strict=False) for each in by_day.items()]
    await store.insert_prices(connection, owner, portfolio, said, version=version)
    flow_ids = await store.insert_flows(connection, owner, portfolio, flows, version=version)

    def described() -> Resources:
        return [
            *(lot_as_json(lot_id, lot) for lot_id, lot in zip(lot_ids, lots, strict=True)),
            *(price_as_json(*each) for each in said),
            *(flow_as_json(flow, flow_id) for flow_id, flow in zip(flow_ids, flows, strict=True)),
        ]

    return await asyncio.to_thread(described)
