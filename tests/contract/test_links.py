"""The check of links finds what is broken and lets pass what is not; `make lint` runs it over all pages."""

from pathlib import Path

import pytest

from contract import links


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(links, "PROJECT", tmp_path)
    (tmp_path / "other.md").write_text("# What `is` there, [really](page.md)?\n")
    return tmp_path / "page.md"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[a](other.md)", None),
        ("[a](other.md#what-is-there-really)", None),
        ("# One\n\n[a](#one)", None),
        ("[a](https://example.com/nothing) [b](mailto:a@b.c)", None),
        ("`[a](nothing.md)`", None),
        ("[a](nothing.md)", "page.md:1: nothing.md is not there"),
        ("text\n\n| t |\n|---|\n| [a](nothing.md) |", "nothing.md is not there"),
        ("![a](nothing.svg)", "nothing.svg is not there"),
        ("[a](other.md#nothing)", "no such heading"),
        ("[a](#nothing)", "no such heading"),
        ("[a](../outside.md)", "leads out of the project"),
        ("[a][b]\n\n[b]: nothing.md", "nothing.md is not there"),
    ],
)
def test_a_link_that_leads_nowhere_is_named_with_its_place(page: Path, text: str, fault: str | None) -> None:
    page.write_text(text)
    found = list(links.broken(page))
    assert len(found) == (fault is not None)
    assert fault is None or fault in found[0]


def test_every_page_of_the_project_is_looked_at() -> None:
    assert links.PROJECT / "README.md" in links.pages()
