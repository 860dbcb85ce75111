"""Every statement of this service. Each function runs in the transaction of the connection it is given.

Requests act as `onboarding_api` for one owner, so that row-level security holds even where a filter here is wrong.
"""

from onboarding.store.changes import insert_change
from onboarding.store.flows import insert_flows
from onboarding.store.keys import CreationRecord, find_creation, forget_file_creations, lock_creation, remember_creation
from onboarding.store.lots import insert_lots, positions
from onboarding.store.portfolios import insert_portfolio, mark_deleted
from onboarding.store.records import PortfolioRecord, Valuation, find_portfolio, find_portfolios, page_of_portfolios
from onboarding.store.renames import holders_of_renamed, rename_lots, try_rename
from onboarding.store.sessions import is_session, latest_session, published_session
from onboarding.store.sweep import forgotten_symbols, try_sweep
from onboarding.store.symbols import new_names, symbol_queue, unknown_symbols

API_ROLE = "onboarding_api"

__all__ = [
    "API_ROLE",
    "CreationRecord",
    "PortfolioRecord",
    "Valuation",
    "find_creation",
    "find_portfolio",
    "find_portfolios",
    "forget_file_creations",
    "forgotten_symbols",
    "holders_of_renamed",
    "insert_change",
    "insert_flows",
    "insert_lots",
    "insert_portfolio",
    "is_session",
    "latest_session",
    "lock_creation",
    "mark_deleted",
    "new_names",
    "page_of_portfolios",
    "positions",
    "published_session",
    "remember_creation",
    "rename_lots",
    "symbol_queue",
    "try_rename",
    "try_sweep",
    "unknown_symbols",
]
