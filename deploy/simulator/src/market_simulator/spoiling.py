"""Answers that begin well: cut in the middle, or without an end."""

from __future__ import annotations

import asyncio
import contextlib

from starlette.types import Message, Receive, Send

_PIECE = b" " * 65_536
_BETWEEN_PIECES = 0.01


class Truncating:
    """A `send` that passes on the first half of a body, as a whole answer of that length."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        self._body += message.get("body", b"")
        if message.get("more_body", False):
            return
        assert self._start is not None
        half = self._body[: len(self._body) // 2]
        headers = [(name, value) for name, value in self._start["headers"] if name != b"content-length"]
        await self._send({**self._start, "headers": [*headers, (b"content-length", str(len(half)).encode())]})
        await self._send({"type": "http.response.body", "body": half})


async def send_without_end(receive: Receive, send: Send) -> None:
    """A JSON answer that goes on with blanks, some 6 MB a second, until the client goes away."""
    gone = asyncio.create_task(_disconnected(receive))
    try:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b'{"chart":', "more_body": True})
        while not gone.done():
            await send({"type": "http.response.body", "body": _PIECE, "more_body": True})
            await asyncio.sleep(_BETWEEN_PIECES)
    finally:
        gone.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await gone


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
