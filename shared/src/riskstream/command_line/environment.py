"""Settings for commands, from the same environment as the service's own."""

from typing import TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from riskstream.command_line.errors import UsedWrongly

Settings = TypeVar("Settings", bound=BaseSettings)


def settings_from_environment(kind: type[Settings]) -> Settings:
    """The settings; UsedWrongly, naming every variable that is missing or wrong, where they cannot be had."""
    try:
        return kind()
    except ValidationError as error:
        prefix = kind.model_config.get("env_prefix", "")
        wrong = [f"{prefix}{'_'.join(map(str, one['loc']))}".upper() + f" ({one['msg']})" for one in error.errors()]
        raise UsedWrongly(f"the environment does not say all that is needed: {', '.join(wrong)}") from error
