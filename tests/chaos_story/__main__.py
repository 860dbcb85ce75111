"""`python -m chaos_story`: a random story of the whole system on servers of its own; exit 1 if anything was found."""

import argparse
import secrets
import shutil
import sys
import time
from pathlib import Path

from chaos_story.story import play
from local_stack.errors import ServerUnavailable
from local_stack.folders import temporary_folder
from local_stack.stack import Stack
from local_stack.testing import servers_for_tests
from own_system.servers import OwnServers


def main() -> int:
    """Play, print, and give the exit code: 0 nothing found, 1 findings, 2 the servers cannot be had here."""
    parser = argparse.ArgumentParser(prog="chaos_story", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long things go wrong (default 10)")
    parser.add_argument("--seed", type=int, default=None, help="replays a story's sequence; default: a new one")
    parser.add_argument(
        "--folder", type=Path, default=None, help="for logs; default: a new one, which stays if anything is found"
    )
    options = parser.parse_args()
    seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    folder = options.folder or temporary_folder("chaos")
    began = time.monotonic()

    def say(words: str) -> None:
        print(f"[{time.monotonic() - began:6.1f} s] {words}", flush=True)

    say(f"seed {seed}; logs in {folder}")
    servers = OwnServers(*servers_for_tests())
    try:
        with Stack() as stack:
            stack.start(servers.postgres, servers.valkey, servers.kafka)
            report = play(servers, folder, seed, options.minutes * 60, say)
    except ServerUnavailable as missing:
        say(str(missing))
        return 2
    print("\n".join(report.lines()))
    if not report.findings and options.folder is None:
        shutil.rmtree(folder)
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main())
