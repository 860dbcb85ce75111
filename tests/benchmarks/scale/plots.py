"""The curves as pictures."""

from collections.abc import Iterable
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.scale.growth import Curve

mpl.rcParams["svg.hashsalt"] = "riskstream"  # the same figures draw the same file


def draw(curves: Iterable[Curve], folder: Path) -> list[Path]:
    """A picture of each curve of more than one point: seconds by size, beside a line that grows as the size does."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_draw(curve, folder / f"scale-{curve.name}.svg") for curve in curves if len(curve.points) > 1]


def _draw(curve: Curve, file: Path) -> Path:
    sizes = [point.size for point in curve.points]
    seconds = [point.seconds for point in curve.points]
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    axes.loglog(sizes, [seconds[0] * size / sizes[0] for size in sizes], "--", color="0.6", label="linear")
    axes.loglog(sizes, seconds, "o-", color="#2060a0", label=f"measured: size to the {curve.exponent:.2f}")
    for size, second in zip(sizes, seconds, strict=True):
        axes.annotate(f"{second:.3g} s", (size, second), textcoords="offset points", xytext=(6, -12))
    axes.set_xlabel(curve.unit)
    axes.set_ylabel("seconds")
    axes.set_title(curve.what, fontsize=9)
    axes.grid(visible=True, which="both", alpha=0.2)
    axes.legend()
    figure.savefig(file, metadata={"Date": None})
    return file
