"""The owner a transaction speaks for. Row-level security does the rest."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

OWNER_SETTING = "riskstream.owner"


async def act_for_owner(connection: AsyncConnection, api_role: str, owner: str) -> None:
    """For the rest of this transaction be `api_role` and see only `owner`'s rows."""
    await connection.execute(text(f'SET LOCAL ROLE "{api_role}"'))
    await connection.execute(
        text("SELECT set_config(:setting, :owner, true)"), {"setting": OWNER_SETTING, "owner": owner}
    )
