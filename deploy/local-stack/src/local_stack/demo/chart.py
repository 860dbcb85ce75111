"""A section's bars as inline SVG: signed, with standard errors as whiskers and the truth as a mark."""

from collections.abc import Callable, Sequence
from html import escape

from local_stack.demo.section import Row, Section

WIDTH = 760
LEFT, RIGHT = 200, 610
"""Where bars may be; names stand before it, numbers after it."""
LINE, BAR = 26, 14
LONGEST_NAME = 28

Place = Callable[[float], float]


def chart_of(section: Section, identity: str) -> str:
    """One `<svg>` that says its title to those who do not see it; empty where no row has a value."""
    rows = [row for row in section.rows if row.value is not None]
    if not section.chart or not rows:
        return ""
    place = _scale(rows)
    height = LINE * len(rows) + 8
    title = escape(f"{section.title}: {section.chart}")
    described = escape("; ".join(f"{row.cells[0]} {row.cells[section.shown]}" for row in rows))
    lines = "".join(_line(row, row.cells[section.shown], n, place) for n, row in enumerate(rows))
    zero = f"{place(0.0):.1f}"
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="{identity}-title {identity}-desc">'
        f'<title id="{identity}-title">{title}</title><desc id="{identity}-desc">{described}</desc>'
        f'<line class="zero" x1="{zero}" x2="{zero}" y1="2" y2="{height - 2}"/>{lines}</svg>'
    )


def _scale(rows: Sequence[Row]) -> Place:
    """From values to places; whiskers, marks and zero are in it."""
    seen = [0.0]
    for row in rows:
        assert row.value is not None
        error = row.error or 0.0
        seen += [row.value - error, row.value + error]
        seen += [] if row.truth is None else [row.truth]
    low, high = min(seen), max(seen)
    span = (high - low) or 1.0
    return lambda value: LEFT + (value - low) / span * (RIGHT - LEFT)


def _line(row: Row, text: str, n: int, place: Place) -> str:
    assert row.value is not None
    middle = n * LINE + LINE / 2 + 4
    zero, end = place(0.0), place(row.value)
    name = row.cells[0]
    short = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
    drawn = [
        f'<text class="name" x="{LEFT - 12}" y="{middle + 4:.1f}">{escape(short)}</text>',
        f'<rect class="{"gain" if row.value >= 0 else "loss"}" x="{min(zero, end):.1f}" y="{middle - BAR / 2:.1f}" '
        f'width="{max(abs(end - zero), 1):.1f}" height="{BAR}" rx="2"/>',
    ]
    if row.error:
        begin, stop = place(row.value - row.error), place(row.value + row.error)
        drawn.append(f'<path class="error" d="M{begin:.1f} {middle:.1f}H{stop:.1f}{_ends(begin, stop, middle)}"/>')
    if row.truth is not None:
        at = place(row.truth)
        drawn.append(f'<path class="truth" d="M{at:.1f} {middle - 10:.1f}V{middle + 10:.1f}"/>')
    drawn.append(f'<text class="number" x="{WIDTH - 4}" y="{middle + 4:.1f}">{escape(text)}</text>')
    return "".join(drawn)


def _ends(begin: float, stop: float, middle: float) -> str:
    return "".join(f"M{x:.1f} {middle - 4:.1f}V{middle + 4:.1f}" for x in (begin, stop))
