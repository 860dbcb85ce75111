"""A typed client of Riskstream: `Portfolios` brings portfolios in and edits them, `Analytics` answers about them."""

from riskstream_client.analytics import Analytics
from riskstream_client.analytics_models import Gone, Refreshed, Status
from riskstream_client.connection import Connection, Token
from riskstream_client.errors import ProblemReceived
from riskstream_client.live import Update
from riskstream_client.onboarding_models import Deleted, PortfolioStatus
from riskstream_client.portfolios import Portfolios
from riskstream_client.progress import ProgressUpdate
from riskstream_client.streams import Interrupted

__all__ = [
    "Analytics",
    "Connection",
    "Deleted",
    "Gone",
    "Interrupted",
    "PortfolioStatus",
    "Portfolios",
    "ProblemReceived",
    "ProgressUpdate",
    "Refreshed",
    "Status",
    "Token",
    "Update",
]
