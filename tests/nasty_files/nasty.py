"""A file as it arrives, and what it comes to."""

from dataclasses import dataclass, field

OURS = "Symbol,Quantity,Entry Price Per Share,Entry Date"
AAPL = "AAPL,100,185.50,2024-01-16"
ONE = ("AAPL 100 @ 185.5",)
SCHWAB = '"Symbol","Description","Quantity","Price","Market Value","Cost Basis",'
FLEX = (
    '<FlexQueryResponse><FlexStatements><FlexStatement accountId="U1">'
    "{}</FlexStatement></FlexStatements></FlexQueryResponse>"
)
BAD_SYMBOL = "3:Symbol:symbol_bad_characters"


@dataclass(frozen=True)
class Nasty:
    """A file and its expected report: the lots in short, `line:column:code` of errors, `line:code` of warnings."""

    name: str
    content: str | bytes
    lots: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    refusal: str = ""
    isins: dict[str, str] = field(default_factory=dict)


def ours(*rows: str) -> str:
    """Rows under our header."""
    return "\n".join([OURS, *rows])
