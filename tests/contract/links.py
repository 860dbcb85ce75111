"""Every link of the documentation leads somewhere: `python -m contract.links`, part of `make lint`.

Links to other sites are left alone: whether they answer today says nothing about the text.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

from markdown_it import MarkdownIt

PROJECT = Path(__file__).parents[2]
_MARKDOWN = MarkdownIt("commonmark").enable("table")
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:")


def pages() -> list[Path]:
    """Every Markdown page that is, or is about to be, committed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=PROJECT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    return [PROJECT / name for name in listed if (PROJECT / name).exists()]


def broken(page: Path) -> Iterator[str]:
    """What is wrong with each link of `page` that leads nowhere."""
    for line, target in _links(page.read_text()):
        if _ELSEWHERE.match(target):
            continue
        path, _, anchor = unquote(target).partition("#")
        file = (page.parent / path).resolve() if path else page
        where = f"{page.relative_to(PROJECT)}:{line}"
        if not file.is_relative_to(PROJECT):
            yield f"{where}: {target} leads out of the project"
        elif not file.exists():
            yield f"{where}: {target} is not there"
        elif anchor and file.suffix == ".md" and anchor not in _anchors(file):
            yield f"{where}: {target}: that page has no such heading; it has {', '.join(sorted(_anchors(file)))}"


def _links(text: str) -> Iterator[tuple[int, str]]:
    for block in _MARKDOWN.parse(text):
        line = (block.map or [0])[0] + 1
        for token in block.children or []:
            target = token.attrGet("href") or token.attrGet("src")
            if target is not None:
                yield line, str(target)


@cache
def _anchors(page: Path) -> frozenset[str]:
    """The names that the headings of a page have on GitHub."""
    blocks = _MARKDOWN.parse(page.read_text())
    headings = [after.content for block, after in pairwise(blocks) if block.type == "heading_open"]
    return frozenset(_slug(heading) for heading in headings)


def _slug(heading: str) -> str:
    plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")


def main() -> None:
    """Say what is broken; 1 where something is."""
    found = [fault for page in pages() for fault in broken(page)]
    sys.stdout.writelines(f"{fault}\n" for fault in found)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
