"""Messages between two processes of ours: any objects that pickle, in order, over a pair of connected sockets."""

import asyncio
import pickle
import socket
import struct
from typing import Any, Self

_LENGTH = struct.Struct("!I")


class Channel:
    """One end, on an event loop. What is read is unpickled: the other end must be a process that we started."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, end: socket.socket) -> Self:
        """The end that this socket is; it belongs to the channel from now on."""
        return cls(*await asyncio.open_connection(sock=end))

    def send(self, message: object) -> None:
        """Queue a message. One to an end that is gone is lost: its reader finds out."""
        body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        self._writer.write(_LENGTH.pack(len(body)) + body)

    async def receive(self) -> Any:
        """The next message. EOFError when the other end sends nothing more, is closed or was killed."""
        try:
            (length,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
            return pickle.loads(await self._reader.readexactly(length))  # noqa: S301  # our own process's
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise EOFError("the other process sends nothing more") from error

    def end(self) -> None:
        """Say that nothing more will be sent; what the other end sends is still received."""
        if self._writer.can_write_eof() and not self._writer.is_closing():
            self._writer.write_eof()

    async def aclose(self) -> None:
        """Send what is queued, and close. Does not raise where the other end is gone."""
        self._writer.close()
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)
