"""A section in the terminal: a table, bars of blocks beside its numbers, and what falls short below."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from local_stack.demo.section import Section

WIDTH = 24
"""Cells of a bar's column."""

_EIGHTHS = " ▏▎▍▌▋▊▉"


def shown(section: Section) -> Group:
    """The section as it is printed, no wider than 100 columns but for its notes."""
    notes = Padding(Text("\n".join(section.notes), style="dim"), (0, 0, 1, 1))
    return Group(_table(section), *([notes] if section.notes else []))


def _table(section: Section) -> Table:
    """Numbers to the right; bars grow from a common zero."""
    table = Table(title=Text(section.title), title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for n, column in enumerate(section.columns):
        table.add_column(Text(column), justify="right" if n else "left", no_wrap=True)
    bars = bars_of([row.value for row in section.rows]) if section.chart else []
    if section.chart:
        table.add_column(Text(section.chart), no_wrap=True)
    for n, row in enumerate(section.rows):
        # As Text: a name in square brackets is a name, not a style.
        table.add_row(*(Text(cell) for cell in row.cells), *bars[n : n + 1])
    return table


def bars_of(values: Sequence[float | None]) -> list[Text]:
    """Bars in one scale. Negative values grow to the left, where there are only half blocks to draw with."""
    known = [value for value in values if value is not None]
    low, high = min([0.0, *known]), max([0.0, *known])
    span = high - low
    left = round(WIDTH * -low / span) if span else 0
    return [_bar(value, span, left) for value in values]


def _bar(value: float | None, span: float, left: int) -> Text:
    if value is None or not span:
        return Text("")
    length = WIDTH * abs(value) / span
    if value < 0:
        whole, half = divmod(min(2 * left, round(2 * length)), 2)
        return Text(" " * (left - whole - half) + "▐" * half + "█" * whole, style="red")
    whole, eighths = divmod(round(8 * min(length, WIDTH - left)), 8)
    return Text(" " * left + "█" * whole + _EIGHTHS[eighths].strip(), style="cyan")
