"""The command `riskstream`: what an operator does, whichever service it belongs to.

A package brings a group of commands as an entry point of the group `riskstream.commands`: a `typer.Typer` under the
group's name. So this package knows no service. What every command has in common is here: `--json`, exit codes, one
sentence on standard error for what went wrong, progress of long work.
"""

from riskstream.command_line.environment import settings_from_environment
from riskstream.command_line.errors import CommandFailed, UsedWrongly
from riskstream.command_line.output import AsJson, say, show, show_list, spelt
from riskstream.command_line.progress import Report, progress

__all__ = [
    "AsJson",
    "CommandFailed",
    "Report",
    "UsedWrongly",
    "progress",
    "say",
    "settings_from_environment",
    "show",
    "show_list",
    "spelt",
]
