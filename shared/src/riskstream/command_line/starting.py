"""How a serving process begins: it runs, or it says in one sentence why it cannot."""

import sys
from collections.abc import Callable
from typing import NoReturn

from riskstream.command_line.errors import CommandFailed, UsedWrongly
from riskstream.runtime.configuration import ConfigurationError
from riskstream.runtime.service import AddressNotFree


def run_and_exit(name: str, process: Callable[[], int]) -> NoReturn:
    """Run a process to its end and exit with its code: 2, and a sentence, where it is configured wrongly."""
    try:
        code = process()
    except (CommandFailed, ConfigurationError, AddressNotFree) as error:
        sys.stderr.write(f"{name}: {error}\n")
        code = error.exit_code if isinstance(error, CommandFailed) else UsedWrongly.exit_code
    sys.exit(code)
