"""A typed client of Riskstream: `Portfolios` brings portfolios in, `Analytics` answers about them."""

from riskstream_client.analytics import Analytics
from riskstream_client.connection import Connection, Token
from riskstream_client.errors import ProblemReceived
from riskstream_client.live import Gone, Interrupted, Refreshed, Status, Update
from riskstream_client.portfolios import Portfolios

__all__ = [
    "Analytics",
    "Connection",
    "Gone",
    "Interrupted",
    "Portfolios",
    "ProblemReceived",
    "Refreshed",
    "Status",
    "Token",
    "Update",
]
