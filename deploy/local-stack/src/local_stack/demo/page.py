"""The sections as one HTML page that asks nobody for anything: styles and charts are in it, and no script."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from local_stack.demo.chart import chart_of
from local_stack.demo.section import Section

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5a6573; --paper: #ffffff; --card: #f5f7fa; --line: #d5dbe3;
  --gain: #2f6fb4; --loss: #c2493d; --truth: #d07a00; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6ebf2; --soft: #a3afbd; --paper: #12161c; --card: #1a2029; --line: #343d4a; --gain: #6aa8e8;
    --loss: #ee8276; --truth: #f4d35e; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 2rem 1rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: 0 0 .25rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 1.1rem 1.25rem;
  margin-top: 1.25rem; break-inside: avoid; }
p { margin: .25rem 0; } .basis, .lead, .key { color: var(--soft); font-size: .85rem; }
nav ul { columns: 2; padding-left: 1.1rem; font-size: .9rem; } a { color: var(--gain); }
svg { display: block; width: 100%; height: auto; margin: .75rem 0 .25rem; font: 13px system-ui, sans-serif; }
svg text { fill: var(--ink); } .name, .number { text-anchor: end; } .number { font-variant-numeric: tabular-nums; }
.gain { fill: var(--gain); } .loss { fill: var(--loss); } .zero { stroke: var(--soft); }
.error { stroke: var(--ink); stroke-width: 1.5; fill: none; } .truth { stroke: var(--truth); stroke-width: 3; }
figure { margin: 0; } figure, .scroll { overflow-x: auto; } svg { min-width: 34rem; }
table { border-collapse: collapse; width: 100%; font-size: .85rem; margin-top: .5rem;
  font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child { text-align: left; } tbody th { font-weight: 500; } thead th { color: var(--soft); }
ul.notes { margin: .6rem 0 0; padding-left: 1.1rem; font-size: .85rem; }
@media print { body { padding: 0; max-width: none; font-size: 12px; } nav { display: none; }
  section { background: none; } .gain, .loss { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""

# Even a browser that is told to must not ask anybody: everything but the styles in the page is refused.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page_of(title: str, lead: Sequence[str], sections: Sequence[Section]) -> str:
    """The whole page; every text is escaped."""
    heading = escape(title)
    contents = "".join(f'<li><a href="#part-{n}">{escape(part.title)}</a></li>' for n, part in enumerate(sections, 1))
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{heading}</title>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{_STYLE}</style>\n</head>\n'
        f"<body>\n<header><h1>{heading}</h1>\n"
        + "".join(f'<p class="lead">{escape(line)}</p>\n' for line in lead)
        + f'</header>\n<nav aria-label="Contents"><ul>{contents}</ul></nav>\n<main>\n'
        + "\n".join(_section(section, f"part-{n}") for n, section in enumerate(sections, 1))
        + "\n</main>\n</body>\n</html>\n"
    )


def write_page(path: Path, page: str) -> None:
    """Write it whole or not at all, with the folders that lack."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}")
    unfinished.write_text(page, encoding="utf-8")
    unfinished.replace(path)


def _section(section: Section, identity: str) -> str:
    chart = chart_of(section, identity)
    figure = f"<figure>{chart}{_key(section)}</figure>" if chart else ""
    listed = "".join(f"<li>{escape(note)}</li>" for note in section.notes)
    notes = f'<ul class="notes">{listed}</ul>' if listed else ""
    return (
        f'<section id="{identity}" aria-labelledby="{identity}-heading">'
        f'<h2 id="{identity}-heading">{escape(section.title)}</h2><p class="basis">{escape(section.basis)}</p>'
        f"{figure}{_table(section)}{notes}</section>"
    )


def _key(section: Section) -> str:
    said = [escape(section.chart or "")]
    if any(row.error for row in section.rows):
        said.append("whiskers: one standard error either way")
    if any(row.truth is not None for row in section.rows):
        said.append("upright marks: planted")
    return f'<figcaption class="key">{"; ".join(said)}.</figcaption>'


def _table(section: Section) -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in section.columns)
    body = "".join(
        f'<tr><th scope="row">{escape(row.cells[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row.cells[1:])
        + "</tr>"
        for row in section.rows
    )
    if not section.rows:
        return ""
    caption = escape(section.title)
    # A table wider than a telephone scrolls by itself, also by keyboard.
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{caption}"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
