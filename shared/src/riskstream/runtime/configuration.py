"""What is wrong with a process's configuration, told in a way that mends it, and never with the value of a secret."""

from collections.abc import Mapping
from typing import Annotated, Any, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings


class ConfigurationError(ValueError):
    """The process cannot start as it is configured. The message names the variable, what is wrong, and an example."""


def _postgres_dsn(secret: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(secret.get_secret_value())
        whole = parts.hostname and parts.username and parts.path.strip("/") and (parts.port or 0) >= 0
    except ValueError:
        whole = False
        parts = urlsplit("")
    if parts.scheme != "postgresql" or not whole:
        raise ValueError("it is no address of a database with scheme, role, host and database")
    return secret


def _kafka_servers(text: str) -> str:
    for server in text.split(","):
        host, colon, port = server.strip().rpartition(":")
        if not (host and colon and port.isdecimal() and 0 < int(port) < 65_536):
            raise ValueError("it is no list of host:port, with commas between")
    return text


def _redis_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        whole = parts.scheme in {"redis", "rediss", "unix"} and (parts.hostname or parts.path) and (parts.port or 1)
    except ValueError:
        whole = False
    if not whole:
        raise ValueError("it is no address of a Redis")
    return text


class Example:
    """In a field's type: what a right value looks like."""

    def __init__(self, text: str) -> None:
        self.text = text


PostgresDsn = Annotated[
    SecretStr, AfterValidator(_postgres_dsn), Example("postgresql://role:password@127.0.0.1:5432/riskstream")
]
KafkaServers = Annotated[str, AfterValidator(_kafka_servers), Example("127.0.0.1:9092")]
RedisUrl = Annotated[str, AfterValidator(_redis_url), Example("redis://127.0.0.1:6379/0")]


def what_is_wrong(kind: type[BaseSettings], error: ValidationError) -> str:
    """Every variable that is missing or wrong, with an example of each."""
    prefix = str(kind.model_config.get("env_prefix", ""))
    told: dict[str, str] = {}
    for one in error.errors(include_input=False, include_url=False):
        field = str(one["loc"][0]) if one["loc"] else ""
        why = one["msg"].removeprefix("Value error, ")
        why = "it is not set" if one["type"] == "missing" else why[:1].lower() + why[1:]
        shown = _example(kind.model_fields.get(field))
        variable = f"{prefix}{field}".upper()
        told.setdefault(variable, f"{variable}: {why}{f' (for example {variable}={shown})' if shown else ''}")
    return "; ".join(told.values())


def _example(field: FieldInfo | None) -> str | None:
    """The example of its type, or else the default; None where there is neither."""
    if field is None:
        return None
    for mark in [*field.metadata, *_marks(field.annotation)]:
        if isinstance(mark, Example):
            return mark.text
    if field.examples:
        return str(field.examples[0])
    default = None if field.is_required() else field.default
    if default is None or isinstance(default, SecretStr | Mapping) or default == "":
        return None
    return ",".join(map(str, default)) if isinstance(default, tuple) else str(default)


def _marks(annotation: Any) -> list[Any]:
    """What stands within the annotation of an optional value."""
    if get_origin(annotation) is Annotated:
        return list(get_args(annotation)[1:])
    return [mark for inner in get_args(annotation) for mark in _marks(inner)]
