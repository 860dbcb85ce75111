"""Yahoo's error bodies."""

from __future__ import annotations

from typing import Any

Body = dict[str, Any]

EDGE_REFUSAL = "Edge: Too Many Requests"
CRUMB_REFUSAL = "Too Many Requests"
HTML_PAGE = "<!DOCTYPE html><html><head><title>Yahoo</title></head><body><p>One moment please.</p></body></html>"
SERVER_ERROR = "<html><body><h1>500 Internal Server Error</h1></body></html>"


class YahooError(Exception):
    """A request that Yahoo answers with an error: an HTTP status and a JSON body under `root`."""

    def __init__(self, root: str, status: int, code: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.body: Body = {root: {"result": None, "error": {"code": code, "description": description}}}


def no_chart() -> YahooError:
    """The symbol is unknown, not yet listed, or delisted: Yahoo does not tell them apart."""
    return YahooError("chart", 404, "Not Found", "No data found, symbol may be delisted")


def nothing_that_early(begin: int, end: int) -> YahooError:
    """The asked period ends before the first trade."""
    return YahooError("chart", 400, "Bad Request", f"Data doesn't exist for startDate = {begin}, endDate = {end}")


def bad_interval(interval: str) -> YahooError:
    """The simulator has daily bars only."""
    return YahooError("chart", 422, "Unprocessable Entity", f"Invalid input - interval={interval} is not supported")


def bad_range(asked: str) -> YahooError:
    """A range that is not among the valid ones."""
    return YahooError("chart", 422, "Unprocessable Entity", f"Invalid input - range={asked} is not supported")


def bad_number(name: str, text: str) -> YahooError:
    """period1 or period2 is not a whole number of seconds."""
    return YahooError("chart", 400, "Bad Request", f"Invalid input - {name}={text} is not a number")


def bad_crumb() -> YahooError:
    """quote and quoteSummary want the cookie and the crumb that belongs to it."""
    return YahooError("finance", 401, "Unauthorized", "Invalid Crumb")


def bad_cookie() -> YahooError:
    """A crumb is given only to who brings the cookie."""
    return YahooError("finance", 401, "Unauthorized", "Invalid Cookie")


def no_fundamentals(modules: str) -> YahooError:
    """quoteSummary of an unknown symbol, or of modules that say nothing about it."""
    return YahooError(
        "quoteSummary", 404, "Not Found", f"No fundamentals data found for any of the summaryTypes={modules}"
    )


def missing_parameter(name: str) -> YahooError:
    """A required query parameter is absent."""
    return YahooError("finance", 400, "Bad Request", f"Missing required query parameter={name}")
