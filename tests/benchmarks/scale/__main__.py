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

from rich.table import Table  # noqa: E402

from benchmarks.bench import Bench  # noqa: E402
from benchmarks.figure import plain  # noqa: E402
from benchmarks.machine import describe_machine  # noqa: E402
from benchmarks.scale import independence, portfolios, symbols  # noqa: E402
from benchmarks.scale.growth import Curve  # noqa: E402
from benchmarks.scale.independence import Independence  # noqa: E402
from local_stack.folders import PROJECT  # noqa: E402
from local_stack.narrator import Narrator  # noqa: E402

CURVES = {
    "symbols": (symbols.measure, (1_000, 5_000, 20_000)),
    "portfolios": (portfolios.of_twenty, (1_000, 10_000, 100_000)),
    "events": (portfolios.of_two, (10_000, 100_000, 1_000_000)),
}
SMALL = 20
"""By which --quick divides every size."""
COUNTS = "independence"
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
    with Bench(narrator, quick=options.quick) as bench:
        for name in options.only or (*CURVES, COUNTS):
            narrator.heading(name)
            if name == COUNTS:
                counted = independence.measure(bench)
            else:
                work, sizes = CURVES[name]
                asked = [size for size in sizes if size <= options.up_to]
                curves.append(work(bench, [bench.size(size, size // SMALL) for size in asked]))
            # After each: what was measured stays, whatever becomes of the next.
            report = {
                "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "seconds": time.monotonic() - began,
                "small": options.quick,
                "up_to": options.up_to,
                "machine": machine | {"postgres": bench.postgres_version()},
                "curves": [curve.as_json() for curve in curves],
                COUNTS: None if counted is None else counted.as_json(),
            }
            _write(report, options.json)
    for curve in curves:
        narrator.console.print(_table(curve))
    if counted is not None:
        narrator.say(_told(counted))
    narrator.say(f"{time.monotonic() - began:.0f} s in all; written to {os.path.relpath(options.json)}")
    if options.plots:
        from benchmarks.scale.plots import draw  # noqa: PLC0415 - matplotlib is installed by make bench-scale alone

        narrator.say(f"drawn: {', '.join(os.path.relpath(path) for path in draw(curves, PLOTS))}")
    return 0 if counted is None or not counted.differences else 1


def _table(curve: Curve) -> Table:
    grows = (
        ""
        if curve.exponent is None or curve.last_exponent is None
        else f"; grows as size to the {curve.exponent:.2f}, over the last step to the {curve.last_exponent:.2f}"
    )
    table = Table(title=f"{curve.name}: {curve.what}{grows}", title_justify="left", caption=curve.note)
    for heading in (curve.unit, "seconds", f"a second and worker: {curve.unit}", "processor, s", "peak memory, MB",
                    "WAL, MB", "rows", "bytes a row"):  # fmt: skip
        table.add_column(heading, justify="right")
    for point in curve.points:
        a_row = None if not point.rows or point.stored_bytes is None else point.stored_bytes / point.rows
        table.add_row(
            f"{point.size:,}",
            plain(point.seconds),
            plain(point.size / point.seconds),
            _or_dash(point.processor_seconds),
            _or_dash(point.peak_bytes and point.peak_bytes / 1e6),
            _or_dash(point.wal_bytes and point.wal_bytes / 1e6),
            "–" if point.rows is None else f"{point.rows:,}",
            _or_dash(a_row),
        )
    return table


def _or_dash(number: float | None) -> str:
    return "–" if number is None else plain(number)


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
    parser.add_argument("--only", nargs="+", choices=(*CURVES, COUNTS), help="these alone")
    parser.add_argument("--up-to", type=int, default=10**9, help="leave larger sizes out, where time is short")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--quick", action="store_true", help=f"sizes divided by {SMALL}, to try it")
    kind.add_argument("--plots", action="store_true", help=f"draw into {os.path.relpath(PLOTS)}")
    parser.add_argument("--json", type=Path, default=FILE, help="default: %(default)s")
    return parser


if __name__ == "__main__":
    sys.exit(main())
