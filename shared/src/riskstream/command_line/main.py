"""The console script `riskstream`: finds the groups of commands, runs one, turns what goes wrong into a sentence."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import entry_points
from typing import Literal, TypeAlias

import typer
from sqlalchemy.exc import DBAPIError
from typer import TyperException

from riskstream.command_line.errors import CommandFailed
from riskstream.runtime.clock import Clock
from riskstream.runtime.configuration import ConfigurationError
from riskstream.runtime.logs import configure_logs

NAME = "riskstream"
ENTRY_POINTS = "riskstream.commands"
FORM_VARIABLE = "RISKSTREAM_LOG_FORMAT"
LEVEL_VARIABLE = "RISKSTREAM_LOG_LEVEL"

Groups: TypeAlias = Mapping[str, Callable[[], typer.Typer]]
"""By name how to load a group of commands: only the one that is asked for is imported."""


def main() -> None:
    """The console script. Logs are warnings, for people, unless the environment says otherwise."""
    form: Literal["json", "console"] = "json" if os.environ.get(FORM_VARIABLE) == "json" else "console"
    configure_logs(NAME, Clock(), form, os.environ.get(LEVEL_VARIABLE, "WARNING"))
    sys.exit(run(sys.argv[1:]))


def installed_groups() -> Groups:
    """The groups of the installed packages."""
    return {found.name: found.load for found in entry_points(group=ENTRY_POINTS)}


def run(arguments: Sequence[str], groups: Groups | None = None) -> int:
    """Run a command; its exit code. 0: done. 1: it could not be done. 2: it was called wrongly. 130: interrupted.

    What went wrong is one sentence on standard error. A fault of ours has its kind in it; `--traceback` as the first
    word shows where it happened.
    """
    groups = installed_groups() if groups is None else groups
    words = list(arguments)
    whole = words[:1] == ["--traceback"]
    try:
        return _called(words[1:] if whole else words, groups)
    except CommandFailed as error:
        return _failed(str(error), error.exit_code)
    except (ConfigurationError, TyperException) as error:
        return _failed(error.format_message() if isinstance(error, TyperException) else str(error), 2)
    except DBAPIError as error:
        if whole:
            raise
        return _failed(f"the database did not do it: {_first_line(error.orig or error)}", 1)
    except OSError as error:
        if whole:
            raise
        return _failed(f"a server or file cannot be used ({error}); is it there, and its name or address right?", 1)
    except Exception as error:
        if whole:
            raise
        return _failed(f"a fault of this program, {type(error).__name__}: {_first_line(error)}", 1)


def _called(words: list[str], groups: Groups) -> int:
    app = typer.Typer(
        name=NAME,
        help="Operate Riskstream. Exit codes: 0 done, 1 it could not be done, 2 called wrongly.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(lambda: None)
    asked = [words[0]] if words and words[0] in groups else sorted(groups)
    for name in asked:
        group = groups[name]()
        # One that is a command itself, such as `doctor`, has something to do without a further word.
        app.add_typer(group, name=name, no_args_is_help=group.registered_callback is None)
    code = app(words, prog_name=NAME, standalone_mode=False)
    return code if isinstance(code, int) else 0


def _failed(sentence: str, code: int) -> int:
    sys.stderr.write(f"{sentence}\n")
    return code


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
