"""The brokers' layouts. Adding one is adding a file and a line here."""

from onboarding.imports.dialects import (
    etoro,
    fidelity,
    freetrade,
    interactive_brokers,
    interactive_brokers_flex,
    interactive_brokers_xml,
    parqet,
    revolut,
    saxo,
    schwab,
    swissquote,
    trading212,
    vanguard,
)
from onboarding.imports.dialects.dialect import Dialect, Source

DIALECTS: tuple[Dialect, ...] = (
    schwab.DIALECT,
    fidelity.DIALECT,
    vanguard.DIALECT,
    interactive_brokers.DIALECT,
    interactive_brokers_xml.DIALECT,
    interactive_brokers_flex.DIALECT,
    trading212.DIALECT,
    saxo.DIALECT,
    swissquote.DIALECT,
    etoro.DIALECT,
    revolut.DIALECT,
    freetrade.DIALECT,
    parqet.DIALECT,
)


def recognised(source: Source) -> Dialect | None:
    """The dialect that knows the file by its header; null where none does."""
    return next((dialect for dialect in DIALECTS if dialect.recognises(source)), None)
