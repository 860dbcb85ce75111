"""What browsers want of an API beside its answers: leave to read them from another origin, and fewer bytes."""

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware

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
    app.add_middleware(GZipMiddleware, minimum_size=SMALLEST_COMPRESSED, compresslevel=COMPRESSION)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=METHODS,
            allow_headers=SENT,
            expose_headers=READ,
            max_age=PREFLIGHT_SECONDS,
        )
