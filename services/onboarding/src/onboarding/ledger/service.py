"""The ledger of all portfolios."""

from onboarding.edits import Edits
from onboarding.ledger.flows import FlowLedger
from onboarding.ledger.imports import ImportLedger
from onboarding.ledger.lots import LotLedger
from onboarding.ledger.prices import PriceLedger


class Ledger:
    """Lots, flows, prices given by hand, and files of lots and flows."""

    def __init__(self, edits: Edits) -> None:
        self.lots = LotLedger(edits)
        self.flows = FlowLedger(edits)
        self.prices = PriceLedger(edits)
        self.imports = ImportLedger(edits)
