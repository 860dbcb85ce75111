"""Interactive Brokers' Flex queries as XML. Elements come with their lines; entities and document types are refused."""

from typing import NoReturn
from xml.parsers import expat

from onboarding.imports.dialects.dialect import Dialect, Source
from onboarding.imports.dialects.interactive_brokers_flex import (
    FlexRow,
    enter_trades,
    flex_row,
    hold_positions,
    move_cash,
)
from onboarding.imports.findings import ImportRefused
from onboarding.imports.sheet import MOST_LINES
from onboarding.imports.statement import Statement
from onboarding.imports.terms import Terms

_CONTAINERS = frozenset({"FlexQueryResponse", "FlexStatements", "FlexStatement"})


def read(source: Source, terms: Terms) -> Statement:
    """Open positions, else trades. Raises ImportRefused (`xml_broken`) for what is no XML."""
    rows: dict[str, list[FlexRow]] = {}
    statement = Statement()
    for name, row in _elements(source.text):
        if name in {"OpenPosition", "Trade", "CashTransaction"}:
            rows.setdefault(name, []).append(row)
        elif name == "CorporateAction":
            statement.refuse_action(row.place, row.get("type", "actiondescription") or name, row.title("type"))
        elif row.texts:
            statement.leave_out(row.place, name)
    hold_positions(statement, rows.get("OpenPosition", []), terms)
    enter_trades(statement, rows.get("Trade", []), terms)
    move_cash(statement, rows.get("CashTransaction", []))
    return statement


def _elements(text: str) -> list[tuple[str, FlexRow]]:
    found: list[tuple[str, FlexRow]] = []
    parser = expat.ParserCreate("utf-8")

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(found) >= MOST_LINES:
            raise ImportRefused("too_many_rows", f"The file has more than {MOST_LINES:,} elements; send it in parts.")
        if name not in _CONTAINERS:
            found.append((name, flex_row(parser.CurrentLineNumber, attributes)))

    def refuse(*_: object) -> NoReturn:
        message = "The XML has a document type; a Flex query has none."
        raise ImportRefused("xml_broken", message, line=parser.CurrentLineNumber)

    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(text.lstrip().encode(), True)
    except expat.ExpatError as error:
        message = f"The XML cannot be read: {expat.ErrorString(error.code)}."
        raise ImportRefused("xml_broken", message, line=error.lineno) from error
    return found


DIALECT = Dialect(
    "interactive_brokers_xml",
    "Interactive Brokers, Flex query (XML)",
    lambda source: source.is_xml and "<FlexQueryResponse" in source.text,
    read,
)
