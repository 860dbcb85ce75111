"""What a dialect is: a name, how its files are recognised, how they are read."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from onboarding.imports.findings import Finding
from onboarding.imports.sheet import Record, Sheet, read_sheet
from onboarding.imports.statement import Statement
from onboarding.imports.terms import Terms


class Source:
    """A file's text, and its lines and cells once somebody asks for them."""

    def __init__(self, text: str) -> None:
        self.text = text

    @property
    def is_xml(self) -> bool:
        return self.text.lstrip().startswith("<")

    @cached_property
    def sheet(self) -> Sheet:
        return read_sheet(self.text)

    def has_table(self, *headers: frozenset[str]) -> bool:
        """Whether there is a header line with all columns of one of `headers`."""
        return not self.is_xml and any(self.sheet.has_table(header) for header in headers)


@dataclass(frozen=True, slots=True)
class Dialect:
    """A broker's layout. `read` may refuse a file (ImportRefused) that only its header belongs to."""

    name: str
    """The stable word, as in `schwab`."""
    title: str
    recognises: Callable[[Source], bool]
    read: Callable[[Source, Terms], Statement]


def read_table(
    source: Source, columns: frozenset[str], terms: Terms, row: Callable[[Statement, Record, Terms], None]
) -> Statement:
    """What `row` makes of every record of the one table that a layout has; lines that cannot be read are errors."""
    statement = Statement()
    for item in source.sheet.walk({"rows": columns}):
        if isinstance(item, Finding):
            statement.errors.append(item)
        elif isinstance(item, Record):
            row(statement, item, terms)
    return statement
