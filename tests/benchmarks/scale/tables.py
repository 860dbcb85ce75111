"""What was measured, as tables."""

from collections.abc import Iterator

from rich.table import Table

from benchmarks.figure import plain
from benchmarks.scale.growth import Beside, Curve, exponent_of
from benchmarks.scale.peers import Peers

LEAST_SHOWN = 0.01
"""Of the largest size's details: seconds below it say nothing."""


def tables_of(curve: Curve) -> Iterator[Table]:
    """Its points, and where there are details of them a second one."""
    yield _points(curve)
    if any(point.details for point in curve.points):
        yield _details(curve)


def tables_of_peers(peers: Peers) -> Iterator[Table]:
    """The figures with their ratios, and how ours and theirs grow."""
    table = Table(title="peers: the same work, the same results", title_justify="left")
    for heading in ("figure", "ours", "peer", "", "times as long"):
        table.add_column(heading, justify="left" if heading in ("figure", "peer") else "right")
    for figure in peers.figures:
        table.add_row(
            figure.what,
            f"{plain(figure.value)} {figure.unit}",
            figure.reference or "",
            _or_dash(figure.reference_value),
            _or_dash(figure.ratio),
        )
    yield table
    for beside in peers.grown:
        yield _grown(beside)


def _grown(beside: Beside) -> Table:
    ours, peer = beside.exponents
    grows = "" if ours is None or peer is None else f"; grow as size to the {ours:.2f} and {peer:.2f}"
    table = Table(
        title=f"{beside.name}: {beside.what}, ours and {beside.peer}{grows}",
        title_justify="left",
        caption=beside.note,
    )
    for heading in (beside.unit, "ours, s", f"{beside.peer}, s", "times as long"):
        table.add_column(heading, justify="right")
    for pair in beside.pairs:
        table.add_row(f"{pair.size:,}", plain(pair.ours), plain(pair.peer), plain(pair.ratio))
    return table


def _points(curve: Curve) -> Table:
    table = Table(
        title=f"{curve.name}: {curve.what}{_grows(curve)}",
        title_justify="left",
        caption=curve.note,
    )
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


def _grows(curve: Curve) -> str:
    if curve.exponent is None or curve.last_exponent is None:
        return ""
    processor = curve.last_processor_exponent
    return (
        f"; grows as size to the {curve.exponent:.2f}, over the last step to the {curve.last_exponent:.2f}"
        + ("" if processor is None else f", its processor to the {processor:.2f}")
    )  # fmt: skip


def _details(curve: Curve) -> Table:
    """A row a detail, a column a size; how it grows over the last step, where it does."""
    table = Table(title=f"{curve.name}, in detail", title_justify="left")
    table.add_column("")
    for point in curve.points:
        table.add_column(f"{point.size:,}", justify="right")
    table.add_column("grows as size to the", justify="right")
    last = curve.points[-2:]
    for name, value in curve.points[-1].details.items():
        if value < LEAST_SHOWN:
            continue
        values = [point.details.get(name, 0.0) for point in last]
        exponent = exponent_of([point.size for point in last], values) if min(values) > 0 else None
        shown = [_or_dash(point.details.get(name)) for point in curve.points]
        table.add_row(name, *shown, "–" if exponent is None else f"{exponent:.2f}")
    return table


def _or_dash(number: float | None) -> str:
    return "–" if number is None else plain(number)
