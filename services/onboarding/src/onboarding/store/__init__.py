"""Every statement of this service. Each function runs in the transaction of the connection it is given.

Requests act as `onboarding_api` for one owner, so that row-level security holds even where a filter here is wrong.
"""

from onboarding.store.changes import Change, changed_cash_by_day, find_change, insert_change, page_of_changes
from onboarding.store.flows import (
    FlowRecord,
    all_flows,
    cash_by_day,
    change_flow,
    delete_flow,
    find_flows,
    insert_flows,
    page_of_flows,
)
from onboarding.store.keys import KeyRecord, find_key, forget_file_keys, lock_key, remember_key
from onboarding.store.lots import (
    LotRecord,
    change_lot,
    count_lots,
    delete_lot,
    find_lots,
    insert_lots,
    page_of_lots,
    positions,
)
from onboarding.store.portfolios import (
    PortfolioRow,
    describe_portfolio,
    insert_portfolio,
    lock_portfolio,
    mark_deleted,
    portfolio_exists,
    raise_version,
)
from onboarding.store.prices import (
    PriceRecord,
    all_prices,
    copy_prices,
    delete_price,
    find_price,
    insert_prices,
    page_of_prices,
    set_price,
)
from onboarding.store.records import PortfolioRecord, Valuation, find_portfolio, find_portfolios, page_of_portfolios
from onboarding.store.renames import RenamedLot, RenamedLots, holders_of_renamed, rename_lots, try_rename
from onboarding.store.sessions import (
    Worth,
    is_session,
    latest_session,
    next_sessions,
    published_session,
    split_ratios,
    worth_on,
)
from onboarding.store.sweep import forgotten_symbols, try_sweep
from onboarding.store.symbols import new_names, symbol_queue, unknown_symbols

API_ROLE = "onboarding_api"

__all__ = [
    "API_ROLE",
    "Change",
    "FlowRecord",
    "KeyRecord",
    "LotRecord",
    "PortfolioRecord",
    "PortfolioRow",
    "PriceRecord",
    "RenamedLot",
    "RenamedLots",
    "Valuation",
    "Worth",
    "all_flows",
    "all_prices",
    "cash_by_day",
    "change_flow",
    "change_lot",
    "changed_cash_by_day",
    "copy_prices",
    "count_lots",
    "delete_flow",
    "delete_lot",
    "delete_price",
    "describe_portfolio",
    "find_change",
    "find_flows",
    "find_key",
    "find_lots",
    "find_portfolio",
    "find_portfolios",
    "find_price",
    "forget_file_keys",
    "forgotten_symbols",
    "holders_of_renamed",
    "insert_change",
    "insert_flows",
    "insert_lots",
    "insert_portfolio",
    "insert_prices",
    "is_session",
    "latest_session",
    "lock_key",
    "lock_portfolio",
    "mark_deleted",
    "new_names",
    "next_sessions",
    "page_of_changes",
    "page_of_flows",
    "page_of_lots",
    "page_of_portfolios",
    "page_of_prices",
    "portfolio_exists",
    "positions",
    "published_session",
    "raise_version",
    "remember_key",
    "rename_lots",
    "set_price",
    "split_ratios",
    "symbol_queue",
    "try_rename",
    "try_sweep",
    "unknown_symbols",
    "worth_on",
]
