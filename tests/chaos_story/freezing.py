"""Servers that stand still with their connections open."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil  # type: ignore[import-untyped]

from local_stack.server import Server


@contextmanager
def frozen(server: Server) -> Iterator[None]:
    """Nothing in it moves as long as the block lasts."""
    server.pause()
    children = _children(server)
    try:
        for child in children:
            child.suspend()
        yield
    finally:
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.resume()
        server.resume()


def _children(server: Server) -> list[psutil.Process]:
    """Postgres's own processes: each leads a group of its own, which a signal to the server's group misses.

    A container is frozen with everything in it, and keeps its data elsewhere.
    """
    file = server.folder / "data" / "postmaster.pid"
    return psutil.Process(int(file.read_text().split()[0])).children(recursive=True) if file.exists() else []
