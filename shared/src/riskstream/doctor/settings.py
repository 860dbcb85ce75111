"""Where the doctor finds what it looks at: the services' own variables, and one address for each role."""

from collections.abc import Iterable
from pathlib import Path

from pydantic import Field, SecretStr, create_model

from riskstream.command_line import settings_from_environment
from riskstream.runtime.configuration import KafkaServers, PostgresDsn
from riskstream.runtime.settings import EnvironmentSettings, KafkaAccess


class DoctorSettings(KafkaAccess):
    """Whatever is not named is not looked at, and said to be so."""

    postgres_dsn: PostgresDsn | None = None
    """Any role's: for what every role may see."""
    migrator_dsn: PostgresDsn | None = None
    """For what only the owner may see, and for mending."""
    kafka: KafkaServers | None = None
    kafka_replication: int = Field(default=1, ge=1)
    topics_file: Path | None = None
    """The declaration of the topics, deploy/topics.yaml."""


def dsn_variable(role: str) -> str:
    return f"RISKSTREAM_{role.upper()}_DSN"


def role_addresses(roles: Iterable[str]) -> dict[str, SecretStr]:
    """The addresses that the environment, or mounted files, give for roles; UsedWrongly where one is malformed."""
    fields = {f"{role}_dsn": (PostgresDsn | None, None) for role in roles}
    kind = create_model("RoleSettings", __base__=EnvironmentSettings, **fields)  # type: ignore[call-overload]
    given = settings_from_environment(kind).model_dump()
    return {name.removesuffix("_dsn"): dsn for name, dsn in given.items() if dsn is not None}
