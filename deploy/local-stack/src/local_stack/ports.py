"""Free ports on the loopback interface."""

import random
import socket
import threading

LOOPBACK = "127.0.0.1"

# Below the ephemeral range of Linux (32768) and macOS (49152): no outgoing connection of any program can take a
# server's port while the server is down for a restart.
_CANDIDATES = range(20_000, 32_000)

_handed_out: set[int] = set()
_lock = threading.Lock()


def free_port() -> int:
    """A TCP port that nobody listens on and that this process was not given before.

    Another process can still take it before its user binds it; who starts a server tries again with another one.
    Raises OSError if no port is free.
    """
    with _lock:
        for port in random.sample(_CANDIDATES, len(_CANDIDATES)):
            if port not in _handed_out and is_free(port):
                _handed_out.add(port)
                return port
    raise OSError(f"no free port on {LOOPBACK} between {_CANDIDATES.start} and {_CANDIDATES.stop}")


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` of the loopback interface now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
