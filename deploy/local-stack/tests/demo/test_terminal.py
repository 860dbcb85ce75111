"""Sections in the terminal: legible at 100 columns, also without one."""

from collections.abc import Callable
from io import StringIO

from rich.console import Console

from analytics.book import Book
from analytics.edition import Edition
from local_stack.demo.report import sections_of
from local_stack.demo.section import Row, Section
from local_stack.demo.story import Told
from local_stack.demo.terminal import WIDTH, bars_of, shown


def printed(section: Section) -> str:
    out = StringIO()
    Console(file=out, width=100).print(shown(section))
    return out.getvalue()


def test_no_number_is_cut_at_100_columns(tell: Callable[[Book, Edition], Told], book: Book, edition: Edition) -> None:
    for section in sections_of(tell(book, edition)):
        text = printed(section)
        assert "…" not in text
        assert "\x1b" not in text
        for row in section.rows:
            assert all(cell in text for cell in row.cells)


def test_bars_are_in_one_scale_and_negative_ones_grow_to_the_left() -> None:
    gain, loss, none, unknown = (bar.plain for bar in bars_of([3.0, -1.0, 0.0, None]))
    assert loss == "█" * (WIDTH // 4)
    assert gain == " " * (WIDTH // 4) + "█" * (WIDTH * 3 // 4)
    assert (none.strip(), unknown) == ("", "")


def test_what_is_too_small_for_half_a_block_has_no_bar() -> None:
    assert [bar.plain.strip() for bar in bars_of([100.0, -0.5, 0.01])] == ["█" * (WIDTH - 1) + "▉", "", ""]


def test_bars_of_nothing_but_zeros_are_empty() -> None:
    assert [bar.plain.strip() for bar in bars_of([0.0, 0.0])] == ["", ""]


def test_a_name_in_square_brackets_is_no_style() -> None:
    assert "[red]x[/red]" in printed(Section("[b]T", "", ("what", "n"), [Row(("[red]x[/red]", "1"))], notes=["[/x]"]))
