"""The curves as pictures."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.scale.growth import Beside, Curve

mpl.rcParams["svg.hashsalt"] = "riskstream"  # the same figures draw the same file
OURS, THEIRS = "#2060a0", "#b05020"


def draw(curves: Iterable[Curve], besides: Iterable[Beside], folder: Path) -> list[Path]:
    """A picture of each that has more than one point: seconds by size, beside a line that grows as the size does."""
    folder.mkdir(parents=True, exist_ok=True)
    return [
        *(_draw(curve, folder / f"scale-{curve.name}.svg") for curve in curves if len(curve.points) > 1),
        *(_draw_beside(one, folder / f"scale-peers-{one.name}.svg") for one in besides if len(one.pairs) > 1),
    ]


def _draw(curve: Curve, file: Path) -> Path:
    sizes, seconds = [point.size for point in curve.points], [point.seconds for point in curve.points]
    figure, axes = _axes(curve.what, curve.unit, sizes, seconds)
    _line(axes, sizes, seconds, f"measured: size to the {curve.exponent:.2f}", OURS)
    return _saved(figure, axes, file)


def _draw_beside(beside: Beside, file: Path) -> Path:
    sizes, ours = [pair.size for pair in beside.pairs], [pair.ours for pair in beside.pairs]
    figure, axes = _axes(beside.what, beside.unit, sizes, ours)
    own, theirs = beside.exponents
    _line(axes, sizes, ours, f"ours: size to the {own:.2f}", OURS)
    _line(axes, sizes, [pair.peer for pair in beside.pairs], f"{beside.peer}: to the {theirs:.2f}", THEIRS)
    return _saved(figure, axes, file)


def _axes(title: str, unit: str, sizes: Sequence[int], seconds: Sequence[float]) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    axes.loglog(sizes, [seconds[0] * size / sizes[0] for size in sizes], "--", color="0.6", label="linear")
    axes.set_xlabel(unit)
    axes.set_ylabel("seconds")
    axes.set_title(title, fontsize=9)
    axes.grid(visible=True, which="both", alpha=0.2)
    return figure, axes


def _line(axes: Axes, sizes: Sequence[int], seconds: Sequence[float], label: str, colour: str) -> None:
    axes.loglog(sizes, seconds, "o-", color=colour, label=label)
    for size, second in zip(sizes, seconds, strict=True):
        axes.annotate(f"{second:.3g} s", (size, second), textcoords="offset points", xytext=(6, -12))


def _saved(figure: Figure, axes: Axes, file: Path) -> Path:
    axes.legend()
    figure.savefig(file, metadata={"Date": None})
    return file
