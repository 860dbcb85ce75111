"""Free ports on the loopback interface."""

import fcntl
import random
import socket
from typing import IO

from local_stack.folders import public_cache

LOOPBACK = "127.0.0.1"

# Below the ephemeral range of Linux (32768) and macOS (49152): no outgoing connection of any program can take a
# server's port while the server is down for a restart.
_CANDIDATES = range(20_000, 32_000)

_reservations: dict[int, IO[str]] = {}


def free_port() -> int:
    """A TCP port that nobody listens on, reserved for this process among all processes of this user that ask here.

    A stranger can still take it before it is bound; who starts a server tries again with another one.
    Raises OSError if no port is free.
    """
    for port in random.sample(_CANDIDATES, len(_CANDIDATES)):
        if _reserve(port) and is_free(port):
            return port
    raise OSError(f"no free port on {LOOPBACK} between {_CANDIDATES.start} and {_CANDIDATES.stop}")


def _reserve(port: int) -> bool:
    """Lock the file that stands for the port, for as long as this process lives."""
    folder = public_cache() / "ports"
    folder.mkdir(exist_ok=True)
    file = (folder / str(port)).open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return False
    _reservations[port] = file
    return True


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` of the loopback interface now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
