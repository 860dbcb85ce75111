"""The page: everything in it, nothing outside of it, and every text a text."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from analytics.book import Book
from analytics.edition import Edition
from local_stack.demo.chart import chart_of
from local_stack.demo.page import page_of, write_page
from local_stack.demo.report import sections_of
from local_stack.demo.section import Row, Section
from local_stack.demo.story import Told

HOSTILE = "<script>alert('x')</script>&\"><img src=//evil onerror=x>"
VOID = {"meta", "link", "img", "br"}


class Read(HTMLParser):
    """What a browser would make of a page; fails on tags that are not closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def sections(tell: Callable[[Book, Edition], Told], book: Book, edition: Edition) -> list[Section]:
    return sections_of(tell(book, edition))


def test_every_section_has_its_table_and_every_number_its_basis(sections: list[Section]) -> None:
    page = Read(page_of("Title", ["Lead."], sections))
    assert len(page.of("section")) == len(page.of("table")) == len(sections) == 10
    for section in sections:
        assert section.basis.startswith("As of 2024-12-16, valuation 3, edition 1; coverage 100% of gross value.")
        assert section.basis in page.text
        for row in section.rows:
            assert all(cell in page.text for cell in row.cells)


def test_every_chart_says_its_title_and_its_numbers_to_those_who_do_not_see_it(sections: list[Section]) -> None:
    page = page_of("Title", [], sections)
    charts = Read(page).of("svg")
    assert len(charts) == sum(1 for section in sections if section.chart)
    for chart in charts:
        assert chart["role"] == "img"
        for named in str(chart["aria-labelledby"]).split():
            assert page.count(f'id="{named}"') == 1


def test_the_page_asks_nobody_for_anything_and_runs_nothing(sections: list[Section]) -> None:
    page = page_of("Title", [], sections)
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in Read(page).tags}
    assert not re.search(r"https?://|url\(|@import|\bon\w+=", page)
    assert all(str(link["href"]).startswith("#") for link in Read(page).of("a"))


def test_hostile_names_are_shown_as_they_are() -> None:
    rows = [Row((HOSTILE, HOSTILE), 1.0, 0.1, 2.0), Row((HOSTILE, "b"))]
    section = Section(HOSTILE, HOSTILE, (HOSTILE, "b"), rows, HOSTILE, notes=[HOSTILE])
    page = Read(page_of(HOSTILE, [HOSTILE], [section]))
    assert not {"script", "img"} & {tag for tag, _ in page.tags}
    assert page.text.count(HOSTILE) >= 10
    assert not any("onerror" in attributes for _, attributes in page.tags)


def test_a_row_without_a_value_is_in_the_table_and_not_in_the_chart() -> None:
    rows = [Row(("known", "1.00"), 1.0), Row(("unknown", "no risk model"))]
    section = Section("Risk", "Basis.", ("what", "value"), rows, "USD")
    assert len(Read(chart_of(section, "x")).of("rect")) == 1
    assert "no risk model" in page_of("Title", [], [section])
    assert chart_of(Section("Risk", "Basis.", ("what", "value"), rows[1:], "USD"), "x") == ""


def test_bars_of_losses_and_gains_meet_at_zero_and_all_is_within_the_picture() -> None:
    rows = [Row(("up", "3"), 3.0, 2.0), Row(("down", "-1"), -1.0, None, -4.0), Row(("none", "0"), 0.0)]
    svg = chart_of(Section("P&L", "Basis.", ("what", "USD"), rows, "USD"), "x")
    up, down, none = (
        {name: float(at or 0) for name, at in bar.items() if name in {"x", "width"}} for bar in Read(svg).of("rect")
    )
    assert up["x"] == pytest.approx(down["x"] + down["width"], abs=0.2)
    assert up["width"] == pytest.approx(3 * down["width"], abs=0.2)
    assert none["width"] == 1
    assert all(0 <= float(x) <= 760 for x in re.findall(r"[MH](-?[\d.]+)", svg))


def test_a_page_is_written_whole_into_a_folder_that_lacks(tmp_path: Path) -> None:
    path = tmp_path / "build" / "page.html"
    write_page(path, "first ±")
    write_page(path, "second ±")
    assert path.read_text(encoding="utf-8") == "second ±"
    assert list(path.parent.iterdir()) == [path]
