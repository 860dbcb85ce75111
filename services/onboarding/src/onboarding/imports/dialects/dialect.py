"""What a dialect is: a name, how its files are recognised, how they are read."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from onboarding.imports.sheet import Sheet, read_sheet
from onboarding.imports.statement import Statement, Terms


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
