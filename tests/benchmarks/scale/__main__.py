"""The command `make bench-scale`: grow the system, print how each curve grows, write the figures and draw them."""

import argparse
import json
import os
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

from benchmarks.bench import Bench  # noqa: E402
from benchmarks.machine import describe_machine  # noqa: E402
from benchmarks.scale import changes, independence, peers, portfolios, symbols  # noqa: E402
from benchmarks.scale.growth import SMALL, Curve, sizes_asked  # noqa: E402
from benchmarks.scale.independence import Independence  # noqa: E402
from benchmarks.scale.peers import Peers  # noqa: E402
from benchmarks.scale.tables import tables_of, tables_of_peers  # noqa: E402
from local_stack.folders import PROJECT  # noqa: E402
from local_stack.narrator import Narrator  # noqa: E402

CURVES = {
    "symbols": (symbols.measure, (1_000, 5_000, 20_000)),
    "portfolios": (portfolios.of_twenty, (1_000, 10_000, 100_000)),
    "changes": (changes.measure, (1_000, 10_000, 100_000)),
    "events": (portfolios.of_two, (10_000, 100_000, 1_000_000)),
}
COUNTS, PEERS = "independence", "peers"
PARTS = (PEERS, *CURVES, COUNTS)
NEEDED_BYTES = 20e9
FILE = PROJECT / "build" / "scale.json"
PLOTS = PROJECT / "docs" / "benchmarks"


def main() -> int:
    """1 where the symbol layer did more work for more portfolios, or the machine has not the room."""
    options = _parser().parse_args()
    free = shutil.disk_usage("/var/tmp").free
    if free < NEEDED_BYTES and not options.quick:
        sys.stderr.write(
            f"bench-scale needs {NEEDED_BYTES / 1e9:.0f} GB of free disk under /var/tmp; there are {free / 1e9:.1f}."
            " Make room, or try it small: make bench-scale SMALL=1\n"
        )
        return 1
    narrator, machine, began = Narrator(), describe_machine(), time.monotonic()
    curves: list[Curve] = []
    counted: Independence | None = None
    beside: Peers | None = None
    with Bench(narrator, quick=options.quick) as bench:
        for name in options.only or PARTS:
            narrator.heading(name)
            if name == COUNTS:
                counted = independence.measure(bench)
            elif name == PEERS:
                beside = peers.measure(bench, options.up_to)
            else:
                work, sizes = CURVES[name]
                curves.append(work(bench, sizes_asked(bench, sizes, options.up_to)))
            # After each: what was measured stays, whatever becomes of the next.
            report = {
                "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "seconds": time.monotonic() - began,
                "small": options.quick,
                "up_to": options.up_to,
                "machine": machine | {"postgres": bench.postgres_version()},
                "curves": [curve.as_json() for curve in curves],
                COUNTS: None if counted is None else counted.as_json(),
                PEERS: None if beside is None else beside.as_json(),
            }
            _write(report, options.json)
    if beside is not None:
        narrator.console.print(*tables_of_peers(beside))
    for curve in curves:
        narrator.console.print(*tables_of(curve))
    if counted is not None:
        narrator.say(_told(counted))
    narrator.say(f"{time.monotonic() - began:.0f} s in all; written to {os.path.relpath(options.json)}")
    if options.plots:
        from benchmarks.scale.plots import draw  # noqa: PLC0415 - matplotlib is installed by make bench-scale alone

        drawn = draw(curves, () if beside is None else beside.grown, PLOTS)
        narrator.say(f"drawn: {', '.join(os.path.relpath(path) for path in drawn)}")
    return 0 if counted is None or not counted.differences else 1


def _told(counted: Independence) -> str:
    few, many = counted.few, counted.many
    if counted.differences:
        return f"[red]The symbol layer did other work beside {many.portfolios:,} portfolios:[/red] " + "; ".join(
            counted.differences
        )
    return (
        f"The same night beside {few.portfolios:,} and {many.portfolios:,} portfolios: the same"
        f" {sum(few.requests.values()):,} requests, {few.statements:,} statements and"
        f" {sum(sum(counts) for counts in few.rows.values()):,} rows; {few.seconds:.1f} and {many.seconds:.1f} s."
    )


def _write(report: dict[str, Any], file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(report, indent=2) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench-scale", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, help="these alone")
    parser.add_argument("--up-to", type=int, default=10**9, help="leave larger sizes out, where time is short")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--quick", action="store_true", help=f"sizes divided by {SMALL}, to try it")
    kind.add_argument("--plots", action="store_true", help=f"draw into {os.path.relpath(PLOTS)}")
    parser.add_argument("--json", type=Path, default=FILE, help="default: %(default)s")
    return parser


if __name__ == "__main__":
    sys.exit(main())
