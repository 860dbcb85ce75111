"""Delimiters, numbers, days and what else stands in cells."""

from nasty_files.nasty import AAPL, BAD_SYMBOL, ONE, OURS, Nasty, ours

SEMI = OURS.replace(",", ";")

VALUES = [
    Nasty("semicolons and decimal commas", f"{SEMI}\nAAPL;100;185,50;2024-01-16", ONE),
    Nasty("semicolons and thousands points", f"{SEMI}\nAAPL;1.000;1.185,50;2024-01-16", ("AAPL 1000 @ 1185.5",)),
    Nasty("semicolons and decimal points", f"{SEMI}\nAAPL;1,000;185.50;2024-01-16", ("AAPL 1000 @ 185.5",)),
    Nasty("tabs", ours(AAPL).replace(",", "\t"), ONE),
    Nasty("a spreadsheet's hint of its delimiter", f"sep=;\n{SEMI}\nAAPL;100;185,5;2024-01-16", ONE),
    Nasty(
        "a decimal comma where commas part cells",
        ours('AAPL,"1,5",2,2024-01-02'),
        errors=("2:Quantity:quantity_not_a_number",),
    ),
    Nasty(
        "dollars, thousands and parentheses",
        ours('AAPL,"($1,000.00)","$1,185.50",2024-01-16'),
        ("AAPL -1000 @ 1185.5",),
    ),
    Nasty("a formula", ours("=1+1,1,2,2024-01-02"), errors=("2:Symbol:symbol_bad_characters",)),
    Nasty("a command", ours("=cmd|'/C calc'!A1,1,2,2024-01-02"), errors=("2:Symbol:symbol_too_long",)),
    Nasty(
        "a formula as a number",
        ours("AAPL,=1+1,@SUM(A1),2024-01-02"),
        errors=(
            "2:Quantity:quantity_not_a_number",
            "2:Entry Price Per Share:price_not_a_number",
        ),
    ),
    Nasty("a mark for writing from right to left", ours(AAPL, "\u200fAAPL,1,2,2024-01-02"), ONE, (BAD_SYMBOL,)),
    Nasty("spaces that do not break", ours("\u00a0AAPL\u00a0,100\u00a0,185.5,2024-01-16"), ONE),
    Nasty("a minus that is none", ours("AAPL,\u22125,2,2024-01-02"), errors=("2:Quantity:quantity_not_a_number",)),
    Nasty("a short holding", ours("AAPL,-5,2,2024-01-02"), ("AAPL -5 @ 2",)),
    Nasty("a spreadsheet's number of a day", ours("AAPL,1,2,45307"), errors=("2:Entry Date:date_not_iso",)),
    Nasty("a year of two digits", ours("AAPL,1,2,16-01-24"), errors=("2:Entry Date:date_not_iso",)),
    Nasty("a day or a month first", ours("AAPL,1,2,03/04/2024"), errors=("2:Entry Date:date_not_iso",)),
    Nasty("a time behind the day", ours("AAPL,1,2,2024-01-16T09:30:00Z"), errors=("2:Entry Date:date_not_iso",)),
    Nasty(
        "the 29th of February",
        ours("AAPL,1,2,2023-02-29", "AAPL,1,2,2024-02-29"),
        ("AAPL 1 @ 2",),
        ("2:Entry Date:date_not_iso",),
    ),
    Nasty("tomorrow", ours("AAPL,1,2,2026-11-21"), errors=("2:Entry Date:date_in_future",)),
    Nasty("more than a century ago", ours("AAPL,1,2,1926-11-19"), errors=("2:Entry Date:date_too_old",)),
    Nasty(
        "a name instead of a ticker", ours("Apple Incorporated,1,2,2024-01-02"), errors=("2:Symbol:symbol_too_long",)
    ),
    Nasty(
        "nothing in any column",
        ours('"","","",""', "--,--,--,--"),
        errors=(
            "3:Symbol:symbol_missing",
            "3:Quantity:quantity_missing",
            "3:Entry Price Per Share:price_missing",
            "3:Entry Date:date_missing",
        ),
    ),
    Nasty(
        "a fee below zero, and one of an exit that was not",
        f"{OURS},Entry Fee,Exit Fee\n{AAPL},-1,\n{AAPL},,1",
        errors=(
            "2:Entry Fee:fee_negative",
            "3:Exit Fee:exit_fee_without_exit",
        ),
    ),
    Nasty("euros", f"{OURS},Currency\n{AAPL},EUR", errors=("2:Currency:currency_not_usd",)),
    Nasty(
        "an exit without its price",
        f"{OURS},Exit Date\n{AAPL},2024-02-01",
        errors=("2:Exit Price Per Share:price_missing",),
    ),
    Nasty("digits of another script", ours("AAPL,١٢,2,2024-01-02"), errors=("2:Quantity:quantity_not_a_number",)),
    Nasty("1e15 shares", ours("AAPL,1e15,2,2024-01-02"), errors=("2:Quantity:amount_too_large",)),
    Nasty(
        "NaN and Infinity",
        ours("AAPL,NaN,Infinity,2024-01-02"),
        errors=("2:Quantity:quantity_not_a_number", "2:Entry Price Per Share:price_not_a_number"),
    ),
    Nasty(
        "dashes for values",
        ours("AAPL,--,N/A,2024-01-02"),
        errors=("2:Quantity:quantity_missing", "2:Entry Price Per Share:price_missing"),
    ),
    Nasty("the same row twice", ours(AAPL, AAPL), ONE * 2, warnings=("3:identical_row",)),
]
