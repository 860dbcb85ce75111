"""The one place that answers "as-traded bars and actions for these symbols and sessions", and that takes them in.

`Prices` answers. `PriceIntake` takes a provider's answers in: `comparison` says what to do with one, `revision` writes
what changes published sessions.
"""

from symbol_batch.prices.comparison import Taken
from symbol_batch.prices.deciding import NotDecidable, Verdict, bar_to_decide, change_of
from symbol_batch.prices.holding import set_aside
from symbol_batch.prices.intake import PriceIntake
from symbol_batch.prices.revision import Revision, write_revisions
from symbol_batch.prices.second_source import agreeing
from symbol_batch.prices.service import Prices, PriceSeries, closes_apart, copy_history
from symbol_batch.store.quarantine import Decision, QuarantinedBar, State

__all__ = [
    "Decision",
    "NotDecidable",
    "PriceIntake",
    "PriceSeries",
    "Prices",
    "QuarantinedBar",
    "Revision",
    "State",
    "Taken",
    "Verdict",
    "agreeing",
    "bar_to_decide",
    "change_of",
    "closes_apart",
    "copy_history",
    "set_aside",
    "write_revisions",
]
