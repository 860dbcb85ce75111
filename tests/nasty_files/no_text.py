"""Files without a row of text in them, and files without end."""

from nasty_files.nasty import AAPL, FLEX, ONE, OURS, Nasty, ours

NO_TEXT = [
    Nasty("empty", b"", refusal="file_empty"),
    Nasty("only white space", " \r\n\t\n", refusal="file_empty"),
    Nasty("only a byte order mark", b"\xef\xbb\xbf", refusal="file_empty"),
    Nasty("only comments", "# mine\n# all of it", refusal="file_empty"),
    Nasty("only a header", OURS, refusal="file_empty"),
    Nasty("a spreadsheet renamed .csv", b"PK\x03\x04\x14\x00\x06\x00\x08\x00", refusal="not_text"),
    Nasty("a picture renamed .csv", b"\x89PNG\r\n\x1a\n", refusal="not_utf8"),
    Nasty("a compressed file renamed .csv", b"\x1f\x8b\x08\x00\x00\x00\x00\x00", refusal="not_utf8"),
    Nasty("more than 10 MB", b"#" * (10 * 1024 * 1024 + 1), refusal="file_too_large"),
    Nasty("10 MB to the byte", ours(AAPL, "#").encode().ljust(10 * 1024 * 1024, b"x"), ONE),
    Nasty("an archive renamed .csv", b"PK\x03\x04\n\x00\x00\x00\x00\x00mine.csv", refusal="not_text"),
    Nasty("a PDF renamed .csv", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\x00", refusal="not_utf8"),
    Nasty("lines without end", b"a,\n" * 1_000_000, refusal="too_many_rows"),
    Nasty("elements without end", FLEX.format("<a/>" * 300_000), refusal="too_many_rows"),
    Nasty("a web page", "<html><body>Please log in</body></html>", refusal="columns_missing"),
    Nasty("JSON", '[{"symbol": "AAPL"}]', refusal="columns_missing"),
    Nasty("more rows than allowed", ours(*[AAPL] * 1001), refusal="too_many_rows"),
]
