"""Our CSV: what a file may look like, and what is said about one that cannot be read."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from onboarding.imports.findings import Field, ImportRefused
from onboarding.imports.reader import Table, read_table
from onboarding.imports.sheet import read_sheet
from onboarding.imports.text import decode

HEADER = "Symbol,Quantity,Entry Price Per Share,Entry Date"
ROW = "AAPL,100,185.50,2024-01-16"


def read(text: str | bytes, max_rows: int = 100) -> Table:
    decoded = decode(text if isinstance(text, bytes) else text.encode())
    return read_table(read_sheet(decoded.text), max_rows=max_rows)


def refusal(text: str | bytes, max_rows: int = 100) -> ImportRefused:
    with pytest.raises(ImportRefused) as caught:
        read(text, max_rows)
    return caught.value


def test_rows_carry_the_line_of_the_file_they_stand_on():
    table = read(f'# my portfolio, "as of" today\n\n{HEADER}\n# a comment\n{ROW}\n\n  \n,,,\nMSFT,1,2,2024-01-02')
    assert [(row.place, row.cells[Field.SYMBOL]) for row in table.rows] == [(5, "AAPL"), (9, "MSFT")]
    assert not table.errors


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end_will_do(end):
    assert [row.place for row in read(end.join([HEADER, ROW, ROW])).rows] == [2, 3]


def test_a_byte_order_mark_any_case_any_order_and_trailing_commas_are_fine():
    table = read("\ufeffENTRY date,  quantity ,symbol,Entry  Price per share,,\n2024-01-16,100,AAPL,185.50,,\n")
    assert table.rows[0].cells == {
        Field.ENTRY_DATE: "2024-01-16",
        Field.QUANTITY: "100",
        Field.SYMBOL: "AAPL",
        Field.ENTRY_PRICE: "185.50",
    }


def test_quoted_numbers_keep_their_commas():
    assert read(f'{HEADER}\n"AAPL","1,000","$1,234.56",2024-01-16').rows[0].cells[Field.QUANTITY] == "1,000"


def test_a_column_that_is_not_ours_is_left_out_and_said():
    table = read(f"{HEADER},Exit Dat\n{ROW},2024-02-01")
    assert [(warning.code, warning.value) for warning in table.warnings] == [("column_ignored", "Exit Dat")]


def test_a_line_that_cannot_be_read_spoils_only_itself():
    table = read(f'{HEADER}\n"AAPL,100,185.50,2024-01-16\n{ROW}\nAAPL,1,000,185.50,2024-01-16\n{"x" * 30_000}\n{ROW}')
    assert [(error.place, error.code) for error in table.errors] == [
        (2, "quoting_broken"),
        (4, "too_many_cells"),
        (5, "line_too_long"),
    ]
    assert [row.place for row in table.rows] == [3, 6]
    assert all(len(error.value) <= 100 for error in table.errors)


def test_a_short_line_is_a_row_with_cells_missing():
    assert read(f"{HEADER}\nAAPL,5").rows[0].cells == {Field.SYMBOL: "AAPL", Field.QUANTITY: "5"}


@pytest.mark.parametrize(
    ("text", "code", "line", "says"),
    [
        ("", "file_empty", None, "empty"),
        ("\n \n", "file_empty", None, "empty"),
        ("# nothing\n# here", "file_empty", None, "comment"),
        (HEADER, "file_empty", None, "no rows"),
        (f"Symbol,Quantity\n{ROW}", "columns_missing", 1, "Entry Price Per Share, Entry Date"),
        (f"# x\n{HEADER.replace(',', '|')}\n{ROW}", "columns_missing", 2, "comma"),
        (f"{HEADER},SYMBOL\n{ROW},X", "column_repeated", 1, "'Symbol' twice"),
        (f'"{HEADER}\n{ROW}', "header_broken", 1, "header"),
        (b"\xff\xfeA", "not_utf8", None, "UTF-16"),
        (f"{HEADER}\nM\x8dLL,1,2,2024-01-02".encode("latin-1"), "not_utf8", 2, "0x8d"),
        (f"{HEADER}\nA\x00,1,2,2024-01-02", "not_text", None, "NUL"),
        (b"PK\x03\x04\x14\x00\x06\x00", "not_text", None, "spreadsheet"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_reason_and_the_line(text, code, line, says):
    refused = refusal(text)
    assert (refused.code, refused.line) == (code, line)
    assert says in refused.message


def test_more_rows_than_allowed_are_refused_and_exactly_as_many_are_not():
    assert len(read("\n".join([HEADER, *[ROW] * 5]), max_rows=5).rows) == 5
    assert refusal("\n".join([HEADER, *[ROW] * 6]), max_rows=5).code == "too_many_rows"


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200), st.text(max_size=200).map(lambda text: f"{HEADER}\n{text}".encode("utf-8", "replace"))
    )
)
@example(b'"')
@example(f'{HEADER}\n"\n'.encode())
def test_any_bytes_are_read_or_refused(content):
    try:
        table = read(content)
    except ImportRefused:
        return
    assert table.rows or table.errors
