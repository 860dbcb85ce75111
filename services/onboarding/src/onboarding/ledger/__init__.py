"""What is in a portfolio, and every way of changing it."""

from onboarding.ledger.described import portfolio_as_json
from onboarding.ledger.flows import FlowLedger
from onboarding.ledger.lots import ClosedLots, LotLedger
from onboarding.ledger.prices import PriceLedger
from onboarding.ledger.service import Ledger

__all__ = ["ClosedLots", "FlowLedger", "Ledger", "LotLedger", "PriceLedger", "portfolio_as_json"]
