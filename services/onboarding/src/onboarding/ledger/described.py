"""Lots, flows and prices as the log of changes says them: JSON with exact numbers as text."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from onboarding.imports.export import as_positions
from onboarding.imports.flow import CashFlow
from onboarding.imports.lot import Lot
from onboarding.store import PortfolioRow


def lot_as_json(lot_id: UUID, lot: Lot, split_from: UUID | None = None) -> dict[str, Any]:
    """The lot under the names of the API; what it does not have is left out."""
    described: dict[str, Any] = {"position_id": str(lot_id), **as_positions([lot])[0]}
    return described if split_from is None else described | {"split_from": str(split_from)}


def flow_as_json(flow: CashFlow, flow_id: UUID | None = None) -> dict[str, Any]:
    """The flow under the names of the API, with its id where it is to be named."""
    identity = {} if flow_id is None else {"flow_id": str(flow_id)}
    return identity | {
        "kind": str(flow.kind),
        "amount": as_text(abs(flow.amount)),
        "date": flow.day.isoformat(),
        "note": flow.note,
    }


def price_as_json(lot_id: UUID, day: date, price: Decimal) -> dict[str, Any]:
    return {"position_id": str(lot_id), "date": day.isoformat(), "price": as_text(price)}


def portfolio_as_json(row: PortfolioRow) -> dict[str, Any]:
    return {
        "portfolio_id": str(row.portfolio_id),
        "name": row.name,
        "first_session": row.first_session.isoformat(),
        "declared_equity": None if row.declared_equity is None else as_text(row.declared_equity),
    }


def as_text(number: Decimal) -> str:
    """In full, without exponents or trailing zeros."""
    return format(number.normalize(), "f")
