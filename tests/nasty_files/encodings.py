"""Bytes that are text in one encoding or another."""

from nasty_files.nasty import AAPL, BAD_SYMBOL, ONE, OURS, SCHWAB, Nasty, ours

ENCODINGS = [
    Nasty("UTF-8 with a byte order mark", b"\xef\xbb\xbf" + ours(AAPL).encode(), ONE),
    Nasty("UTF-16, little end first", ours(AAPL).encode("utf-16-le").join([b"\xff\xfe", b""]), ONE),
    Nasty("UTF-16, big end first", b"\xfe\xff" + ours(AAPL).encode("utf-16-be"), ONE),
    Nasty("UTF-16 cut in half", b"\xff\xfe" + ours(AAPL).encode("utf-16-le")[:-1], refusal="not_utf8"),
    Nasty(
        "Windows-1252 in a description",
        f'{SCHWAB}\n"NSRGY","NESTLÉ","2","$100","$200","$180",'.encode("cp1252"),
        ("NSRGY 2 @ 90",),
        warnings=("2:read_as_windows_1252", "2:entry_date_assumed"),
    ),
    Nasty("bytes that are no text anywhere", ours(AAPL).encode() + b"\n\x81\x8d\x01", refusal="not_utf8"),
    Nasty("UTF-16 without its mark", ours(AAPL).encode("utf-16-le"), refusal="not_text"),
    Nasty(
        "Latin-1 in a column of ours",
        f"{OURS},Notes\n{AAPL},Société".encode("latin-1"),
        ONE,
        warnings=("2:read_as_windows_1252", "1:column_ignored"),
    ),
    Nasty(
        "UTF-8 and Windows-1252 mixed",
        f"{OURS},Notes\n{AAPL},é\n".encode() + f"{AAPL},é".encode("cp1252"),
        ONE * 2,
        warnings=("3:read_as_windows_1252", "1:column_ignored", "3:identical_row"),
    ),
    Nasty("a NUL in the middle", f"{ours(AAPL)}\nMSFT\x00,1,2,2024-01-02".encode(), refusal="not_text"),
    Nasty("a mark of the byte order in every line", ours(AAPL, "\ufeffAAPL,1,2,2024-01-02"), ONE, (BAD_SYMBOL,)),
]
