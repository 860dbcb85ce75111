"""The command `local-stack`."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import get_args

from local_stack import demo, up
from local_stack.errors import ServerError
from local_stack.folders import PROJECT
from local_stack.interrupts import stopped_by_signals, wait_for_interrupt
from local_stack.issuer import OWN_DATA, Issuer
from local_stack.stack import Servers, Stack
from riskstream.runtime.auth import Scope
from riskstream.runtime.clock import Clock

KEYS = PROJECT / ".riskstream" / "issuer"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; 0 when it did its work or was interrupted, 1 with a sentence when it could not."""
    chosen = _parser().parse_args(arguments)
    try:
        with stopped_by_signals():
            chosen.run(chosen)
    except KeyboardInterrupt:
        return 0
    except (ServerError, ValueError) as error:
        sys.stderr.write(f"local-stack: {error}\n")
        return 1
    return 0


def run_servers(chosen: argparse.Namespace) -> None:
    """Start the three servers, say where they are in the shell's words, run until interrupted."""
    with Stack() as stack:
        servers = Servers(chosen.data)
        stack.start(servers)
        for name, value in servers.environment().items():
            sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
        sys.stdout.flush()
        sys.stderr.write("Postgres, Valkey and Kafka are running; Ctrl-C stops them.\n")
        wait_for_interrupt()


def run_up(chosen: argparse.Namespace) -> None:
    """Start the whole system and run until interrupted."""
    up.run(chosen.data, None if chosen.clock is None else Clock(chosen.clock))


def run_demo(chosen: argparse.Namespace) -> None:
    """Run the whole main job once."""
    demo.run(chosen.page)


def print_token(chosen: argparse.Namespace) -> None:
    """Print a bearer token for one owner."""
    sys.stdout.write(Issuer(chosen.keys).token(chosen.owner, chosen.scope or OWN_DATA) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="local-stack", description="Riskstream on this machine, without Docker.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    servers = commands.add_parser("servers", help="run Postgres, Valkey and Kafka until Ctrl-C")
    servers.add_argument("--data", type=Path, help="keep the data in this folder; without it they are temporary")
    servers.set_defaults(run=run_servers)

    everything = commands.add_parser("up", help="run the whole system over a synthetic market until Ctrl-C")
    everything.add_argument("--data", type=Path, help="keep the data in this folder; without it they are temporary")
    everything.add_argument("--clock", type=datetime.fromisoformat, help="start there: 2026-03-10T20:59:50-04:00")
    everything.set_defaults(run=run_up)

    shown = commands.add_parser(
        "demo", help="three nights of a synthetic market, then what happened: tables and a page"
    )
    shown.add_argument("--page", type=Path, default=demo.PAGE, help="where the page is written (default: %(default)s)")
    shown.set_defaults(run=run_demo)

    token = commands.add_parser("token", help="print a bearer token for one owner, good for twelve hours")
    token.add_argument("--owner", required=True, help="whom the token speaks for")
    token.add_argument(
        "--scope",
        action="append",
        choices=get_args(Scope),
        help="what it allows, several times if need be (default: read and write)",
    )
    token.add_argument("--keys", type=Path, default=KEYS, help="the folder of the issuer's key (default: %(default)s)")
    token.set_defaults(run=print_token)
    return parser


if __name__ == "__main__":
    sys.exit(main())
