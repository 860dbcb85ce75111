"""The command: measure, print the table, write the JSON. 0 unless something broke, whatever the goals say."""

import argparse
import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

# Before numpy is loaded: matrices here are small, and what runs beside the kernel needs the other cores.
for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

from rich.table import Table  # noqa: E402

from benchmarks import (  # noqa: E402
    backfill,
    changes,
    events,
    exposures,
    fetching,
    fold,
    hits,
    imports,
    measures,
    misses,
    newcomers,
    night,
    night_after,
    peers,
    refresh,
    workers,
)
from benchmarks.bench import Bench  # noqa: E402
from benchmarks.figure import Figure, plain  # noqa: E402
from benchmarks.machine import describe_machine  # noqa: E402
from local_stack.folders import PROJECT  # noqa: E402
from local_stack.narrator import Narrator  # noqa: E402

MEASURES = {
    "exposures": exposures.measure,
    "night": night.measure,
    "refresh": refresh.measure,
    "fold": fold.measure,
    "workers": workers.measure,
    "night-after": night_after.measure,
    "changes": changes.measure,
    "hits": hits.measure,
    "misses": misses.measure,
    "measures": measures.measure,
    "peers": peers.measure,
    "events": events.measure,
    "backfill": backfill.measure,
    "fetching": fetching.measure,
    "newcomers": newcomers.measure,
    "imports": imports.measure,
}
DEFAULT_FILE = PROJECT / "build" / "bench.json"


def main() -> int:
    options = _parser().parse_args()
    narrator = Narrator()
    machine = describe_machine()
    began = time.monotonic()
    figures: list[Figure] = []
    with Bench(narrator, quick=options.quick) as bench:
        for name in options.only or MEASURES:
            narrator.heading(name)
            figures += MEASURES[name](bench)
        machine["postgres"] = bench.postgres_version()
    seconds = time.monotonic() - began
    narrator.console.print(_table(figures))
    narrator.say(_machine_text(machine))
    narrator.say(f"{seconds:.0f} s in all{'; --quick: fewer and smaller runs' if options.quick else ''}")
    _write(options.json, figures, machine, seconds, quick=options.quick)
    narrator.say(f"written to {os.path.relpath(options.json)}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench", description="Measure Riskstream beside floors and peers.")
    parser.add_argument("--only", action="append", choices=list(MEASURES), help="one benchmark; may be repeated")
    parser.add_argument("--json", type=Path, default=DEFAULT_FILE, help="where the numbers go (build/bench.json)")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller runs, to see that it works")
    return parser


def _table(figures: list[Figure]) -> Table:
    table = Table(title="Figures", title_justify="left", show_lines=False)
    for heading in ("", "figure", "value", "held against", "ratio", "goal", "met"):
        table.add_column(heading, justify="right" if heading in ("value", "ratio") else "left")
    previous = None
    for figure in figures:
        table.add_row(
            figure.name if figure.name != previous else "",
            figure.what + (f"\n[dim]{figure.note}[/dim]" if figure.note else ""),
            f"{plain(figure.value)} {figure.unit}",
            "" if figure.reference is None else f"{figure.reference}: {plain(figure.reference_value or 0)}",
            "" if figure.ratio is None else f"{plain(figure.ratio)}×",
            figure.goal_text,
            "[green]yes[/green]" if figure.met else "[red]no[/red]",
        )
        previous = figure.name
    return table


def _machine_text(machine: dict[str, object]) -> str:
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB; {machine['system']}; "
        f"{machine['python']}; {machine['blas']}; PostgreSQL {machine['postgres']}; load before: "
        f"{machine['load_before']}"
    )


def _write(file: Path, figures: list[Figure], machine: dict[str, object], seconds: float, *, quick: bool) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
        "quick": quick,
        "machine": machine,
        "figures": [figure.as_json() for figure in figures],
    }
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(main())
