"""Settings for commands and services, from the environment."""

from typing import TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from riskstream.command_line.errors import UsedWrongly
from riskstream.runtime.configuration import what_is_wrong

Settings = TypeVar("Settings", bound=BaseSettings)


def settings_from_environment(kind: type[Settings]) -> Settings:
    """The settings; UsedWrongly, naming every variable that is missing or wrong, where they cannot be had."""
    try:
        return kind()
    except ValidationError as error:
        raise UsedWrongly(f"the environment does not say all that is needed: {what_is_wrong(kind, error)}") from error
