"""What is in a portfolio, and every way of changing it."""

from onboarding.ledger.described import as_text, flow_as_json, lot_as_json, portfolio_as_json
from onboarding.ledger.entering import enter
from onboarding.ledger.flows import FlowLedger, flow_refusal
from onboarding.ledger.imports import ImportLedger
from onboarding.ledger.lots import ClosedLots, LotChange, LotLedger
from onboarding.ledger.prices import PriceLedger, price_refusal
from onboarding.ledger.service import Ledger

__all__ = [
    "ClosedLots",
    "FlowLedger",
    "ImportLedger",
    "Ledger",
    "LotChange",
    "LotLedger",
    "PriceLedger",
    "as_text",
    "enter",
    "flow_as_json",
    "flow_refusal",
    "lot_as_json",
    "portfolio_as_json",
    "price_refusal",
]
