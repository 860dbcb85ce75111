"""What can go wrong when servers are started."""


class ServerError(Exception):
    """A server of the local stack did not do what was asked of it."""


class ServerUnavailable(ServerError):
    """A server cannot be had on this machine; says what is missing and how to get it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ServerFailed(ServerError):
    """A server or one of its tools ended early or was not ready in time; carries the end of what it wrote."""


class StartAbandoned(ServerError):
    """The server was closed while it was starting."""
