"""One question in Kafka's wire protocol: who are the live brokers?

Asked by hand, because servers are started from synchronous code, and because only `riskstream.messaging` knows a
Kafka client. Source: the Kafka protocol guide, Metadata request, version 1.
"""

import socket
import struct

_METADATA = 3
_VERSION = 1
_CORRELATION = 1
_CLIENT = b"local-stack"


def live_brokers(host: str, port: int, timeout: float = 5.0) -> int:
    """How many brokers the one at `host:port` believes to be alive.

    Raises OSError if it does not answer in `timeout` seconds, or hangs up.
    """
    header = struct.pack(">hhih", _METADATA, _VERSION, _CORRELATION, len(_CLIENT)) + _CLIENT
    request = header + struct.pack(">i", 0)  # about no topics: brokers only
    with socket.create_connection((host, port), timeout=timeout) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        (size,) = struct.unpack(">i", _read(connection, 4))
        answer = _read(connection, size)
    _correlation, brokers = struct.unpack_from(">ii", answer)
    return int(brokers)


def _read(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        part = connection.recv(size - len(received))
        if not part:
            raise ConnectionError("the broker hung up in the middle of an answer")
        received += part
    return received
