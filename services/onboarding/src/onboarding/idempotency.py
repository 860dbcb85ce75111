"""Keys under which requests are sent: the same thing sent again does nothing new."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from onboarding import store
from onboarding.refusals import CreatedAndDeleted, KeyReused
from onboarding.store import KeyRecord

FILE_KEY_PREFIX = "file:"
CALLER_KEY_PREFIX = "key:"

CREATION = "portfolio.create"


@dataclass(frozen=True, slots=True)
class CreationKey:
    """Under which key a request is remembered, and a hash of all of its content."""

    key: str
    request_hash: str

    @property
    def of_file(self) -> bool:
        """Whether a file is the key by itself; else its caller chose it."""
        return self.key.startswith(FILE_KEY_PREFIX)


async def earlier_under(connection: AsyncConnection, owner: str, key: CreationKey) -> KeyRecord | None:
    """What was done under the key, which is held to the end of the transaction; null where nothing was.

    Raises KeyReused where that was something else, and CreatedAndDeleted where its portfolio is gone.
    """
    await store.lock_key(connection, owner, key.key)
    earlier = await store.find_key(connection, owner, key.key)
    if earlier is None:
        return None
    if earlier.deleted:
        raise CreatedAndDeleted(
            f"Portfolio {earlier.portfolio_id} was created or changed under this Idempotency-Key and deleted since; "
            "send another key to do it again."
        )
    if earlier.request_hash != key.request_hash:
        raise KeyReused(_reused(earlier, key))
    return earlier


def _reused(earlier: KeyRecord, key: CreationKey) -> str:
    what = "This file was imported" if key.of_file else "This Idempotency-Key was used"
    another = "an" if key.of_file else "another"
    if earlier.operation == CREATION:
        return (
            f"{what} with other content, which created portfolio {earlier.portfolio_id}; "
            f"send {another} Idempotency-Key to create one more."
        )
    return (
        f"{what} with other content: {earlier.operation} in portfolio {earlier.portfolio_id}, which led to its version "
        f"{earlier.version}; send {another} Idempotency-Key to do something else."
    )
