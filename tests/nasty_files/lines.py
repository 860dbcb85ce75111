"""Lines, quotes and headers."""

from nasty_files.nasty import AAPL, BAD_SYMBOL, ONE, OURS, Nasty, ours

EMPTY_ROW = (
    BAD_SYMBOL,
    "3:Quantity:quantity_missing",
    "3:Entry Price Per Share:price_missing",
    "3:Entry Date:date_missing",
)

LINES = [
    Nasty("old Macintosh line ends", ours(AAPL).replace("\n", "\r"), ONE),
    Nasty("every cell quoted", '"' + ours(AAPL).replace(",", '","').replace("\n", '"\n"') + '"', ONE),
    Nasty("trailing commas", f"{OURS},,\n{AAPL},,\n,,,,,\n", ONE),
    Nasty("an open quote", ours('"AAPL,1,2,2024-01-02', AAPL), ONE, ("2:None:quoting_broken",)),
    Nasty("an unquoted thousands comma", ours("AAPL,1,000,185.50,2024-01-16", AAPL), ONE, ("2:None:too_many_cells",)),
    Nasty("a line of a megabyte", ours("A" * 1_000_000, AAPL), ONE, ("2:None:line_too_long",)),
    Nasty(
        "the header again between rows",
        ours(AAPL, OURS, AAPL),
        ONE * 2,
        warnings=("3:header_repeated", "4:identical_row"),
    ),
    Nasty(
        "a line end inside of quotes",
        f'{OURS},Notes\n{AAPL},"two\nlines"\n{AAPL},one',
        ONE,
        ("2:None:quoting_broken", *EMPTY_ROW),
        ("1:column_ignored",),
    ),
    Nasty(
        "a total below our rows",
        ours(AAPL, "Total,100,,"),
        ONE,
        ("3:Entry Price Per Share:price_missing", "3:Entry Date:date_missing"),
    ),
    Nasty(
        "header names in capitals and with spaces around",
        f" SYMBOL , quantity,ENTRY  PRICE per share,Entry date \n{AAPL}",
        ONE,
    ),
    Nasty("a broken header", f'"{OURS}\n{AAPL}', refusal="header_broken"),
    Nasty("a doubled column", f"{OURS},Symbol\n{AAPL},X", refusal="column_repeated"),
    Nasty("a missing column", f"Symbol,Quantity\n{AAPL}", refusal="columns_missing"),
    Nasty("pipes between cells", ours(AAPL).replace(",", "|"), refusal="columns_missing"),
]
