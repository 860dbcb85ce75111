"""The client of analytics."""

from riskstream_client.all_portfolios import AllPortfolios
from riskstream_client.live import LiveUpdates
from riskstream_client.one_portfolio import OnePortfolio
from riskstream_client.symbols import SymbolFigures


class Analytics(OnePortfolio, AllPortfolios, SymbolFigures, LiveUpdates):
    """All that analytics answers, a method each operation of docs/api/analytics.openapi.json, under its name."""
