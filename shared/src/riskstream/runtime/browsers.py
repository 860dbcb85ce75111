"""What browsers want of an API beside its answers: leave to read them from another origin, and fewer bytes."""

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from riskstream.runtime.settings import BrowserSettings

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
SENT = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Last-Event-ID",
    "X-Request-ID",
)
READ = ("ETag", "Location", "Retry-After", "X-Request-ID")
PREFLIGHT_SECONDS = 3_600

SMALLEST_COMPRESSED = 2_000
"""Bytes. A smaller answer fits into two packets as it is."""
COMPRESSION = 4
"""Of nine: a level more costs more processor time than it saves bytes of JSON."""


def open_to_browsers(app: FastAPI, settings: BrowserSettings) -> None:
    """Compress larger answers, streams apart, and let pages of the origins in `settings` call `app`.

    To be called after `guard`: the question of a browser whether it may ask at all carries no token. Tokens travel in a
    header that a page sets itself, so that no origin is trusted with cookies.
    """
    app.add_middleware(CompressedIfAsked)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=METHODS,
            allow_headers=SENT,
            expose_headers=READ,
            max_age=PREFLIGHT_SECONDS,
        )


class CompressedIfAsked:
    """ASGI middleware: gzip for who accepts it. Others pay nothing for it, not a wrapped message.

    No answer says `Vary: Accept-Encoding`: all of them are private, kept by one client, which asks in one way.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._plain = app
        self._compressing = GZipMiddleware(app, SMALLEST_COMPRESSED, COMPRESSION)

    async def __call__(self, connection: Scope, receive: Receive, send: Send) -> None:
        asked = connection["type"] == "http" and any(
            name == b"accept-encoding" and b"gzip" in value for name, value in connection["headers"]
        )
        await (self._compressing if asked else self._plain)(connection, receive, send)
