"""Valkey's file of yesterday: kept, and put back under a server that has moved on."""

import shutil

from local_stack.valkey import ValkeyServer


class ValkeyDump:
    """A copy of the append-only file of one server."""

    def __init__(self, valkey: ValkeyServer) -> None:
        self._valkey = valkey
        self._copy = valkey.folder / "old-data"

    @property
    def taken(self) -> bool:
        return self._copy.exists()

    def take(self) -> None:
        """Restart the server, so that its file is whole, and keep a copy of it."""
        self._valkey.stop()
        if self.taken:
            shutil.rmtree(self._copy)
        shutil.copytree(self._valkey.folder / "data", self._copy)
        self._valkey.start()

    def restore(self) -> None:
        """Kill the server and start it from the copy; raises FileNotFoundError where none was taken."""
        self._valkey.kill()
        data = self._valkey.folder / "data"
        shutil.rmtree(data)
        shutil.copytree(self._copy, data)
        self._valkey.start()
