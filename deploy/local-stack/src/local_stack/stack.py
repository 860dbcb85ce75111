"""Several servers as one: started together, stopped in reverse, nothing left running when one of them fails."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Protocol, Self

from local_stack.kafka import KafkaServer
from local_stack.postgres import PostgresServer
from local_stack.valkey import ValkeyServer

DATABASE = "riskstream"


class Member(Protocol):
    """What a stack is made of. `close` must also work before, during (from another thread) and after `start`."""

    def start(self) -> None: ...

    def close(self) -> None: ...


class Stack:
    """Layers of members: each layer is up before the next one starts, and comes down after it.

    As a context manager it closes everything at the end, in whatever way the block ends.
    """

    def __init__(self) -> None:
        self._layers: list[tuple[Member, ...]] = []

    def start(self, *members: Member) -> None:
        """Start one more layer, its members at the same time.

        If one fails, or Ctrl-C comes, that layer is closed and the error raised; `close` does the rest.
        """
        self._layers.append(members)
        with ThreadPoolExecutor(max_workers=max(1, len(members))) as threads:
            starts = [threads.submit(member.start) for member in members]
            try:
                for start in as_completed(starts):
                    start.result()
            except BaseException:
                # Inside the pool: leaving it waits for the starts, which end early because they are closed.
                _close_all(members)
                raise

    def close(self) -> None:
        """Close all layers, last one first; raises an ExceptionGroup after all were tried."""
        errors: list[Exception] = []
        while self._layers:
            try:
                _close_all(self._layers.pop())
            except ExceptionGroup as group:
                errors.extend(group.exceptions)
        if errors:
            raise ExceptionGroup("not everything was stopped in order", errors)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class Servers:
    """Postgres with an empty database `riskstream`, Valkey and Kafka."""

    def __init__(self, folder: Path | None = None, *, durable: bool = True) -> None:
        """`folder` keeps the data of all three between runs; without it they are temporary."""
        self.postgres = PostgresServer(_under(folder, "postgres"), durable=durable)
        self.valkey = ValkeyServer(_under(folder, "valkey"))
        self.kafka = KafkaServer(_under(folder, "kafka"))
        self._stack = Stack()

    def start(self) -> None:
        """Start the three at the same time; raises what the first that failed raised, with nothing left running."""
        self._stack.start(self.postgres, self.valkey, self.kafka)
        self.postgres.create_database(DATABASE)

    def close(self) -> None:
        """Stop the three for good."""
        self._stack.close()

    def environment(self, role: str | None = None, password: str | None = None) -> dict[str, str]:
        """The variables by which a service finds the servers, in the role that it has in the database.

        Without a role, the superuser's: for setting up, never for a service.
        """
        dsn = self.postgres.dsn(database=DATABASE) if role is None else self.postgres.dsn(role, password, DATABASE)
        return {
            "RISKSTREAM_POSTGRES_DSN": dsn,
            "RISKSTREAM_KAFKA": self.kafka.address,
            "RISKSTREAM_REDIS_URL": self.valkey.url,
        }

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _under(folder: Path | None, name: str) -> Path | None:
    return None if folder is None else folder / name


def _close_all(members: Iterable[Member]) -> None:
    errors: list[Exception] = []
    for member in reversed(tuple(members)):
        try:
            member.close()
        except Exception as error:
            errors.append(error)
    if errors:
        raise ExceptionGroup("not everything was stopped in order", errors)
