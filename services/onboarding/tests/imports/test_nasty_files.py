"""Files as they arrive: what each comes to, line by line."""

from dataclasses import dataclass, field

import pytest

from onboarding.imports.findings import ImportRefused
from onboarding.imports.mends import ERRORS, REFUSALS, WARNINGS

OURS = "Symbol,Quantity,Entry Price Per Share,Entry Date"
AAPL = "AAPL,100,185.50,2024-01-16"
ONE = ("AAPL 100 @ 185.5",)
SEMI = OURS.replace(",", ";")
SCHWAB = '"Symbol","Description","Quantity","Price","Market Value","Cost Basis",'
SCHWAB_ACTIVITY = "Date,Action,Symbol,Description,Quantity,Price,Fees & Comm,Amount"
FIDELITY = "Account Number,Account Name,Symbol,Description,Quantity,Last Price,Current Value,Cost Basis Total,Type"
VANGUARD = "Account Number,Investment Name,Symbol,Shares,Share Price,Total Value,"
T212 = "Action,Time,ISIN,Ticker,Name,No. of shares,Price / share,Currency (Price / share),ID"
REVOLUT = "Date,Ticker,Type,Quantity,Price per share,Total Amount,Currency,FX Rate"
SAXO = "Client ID,Trade Date,Type,Instrument ISIN,Instrument Symbol,Event,Amount"
ETORO = "Date,Type,Details,Amount,Units,Position ID,Asset type"
IB = "Trades,Header,DataDiscriminator,Asset Category,Currency,Symbol,Date/Time,Quantity,T. Price,Code"
IB_ROW = "Trades,Data,Order,Stocks,USD,AAPL"
PARQET = "datetime;price;shares;amount;type;assettype;identifier;currency;holding"
FLEX = (
    '<FlexQueryResponse><FlexStatements><FlexStatement accountId="U1">'
    "{}</FlexStatement></FlexStatements></FlexQueryResponse>"
)
FLEX_TRADE = '<Trade symbol="AAPL" currency="USD" tradeDate="20240116" quantity="{}" tradePrice="185.5" buySell="{}"/>'


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


BAD_SYMBOL = "3:Symbol:symbol_bad_characters"
EMPTY_ROW = (
    BAD_SYMBOL,
    "3:Quantity:quantity_missing",
    "3:Entry Price Per Share:price_missing",
    "3:Entry Date:date_missing",
)


def ours(*rows: str) -> str:
    return "\n".join([OURS, *rows])


NASTY = [
    # Encodings
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
    # No text at all
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
    # Lines and quotes
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
    # Delimiters and numbers
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
    # Brokers: what stands around the rows
    Nasty(
        "a preamble, a total, cash and a footer",
        f'"Positions as of 2024/01/16"\n\n{SCHWAB}\n"AAPL","","100","$190","$1","$18,550.00",\n'
        '"Cash & Cash Investments","--","--","--","$5","--",\n"Account Total","","--","--","$6","--",\n\n"See "terms"',
        ONE,
        warnings=("4:entry_date_assumed", "5:rows_left_out", "6:rows_left_out"),
    ),
    Nasty(
        "only money-market rows",
        f"{FIDELITY}\nZ1,Mine,SPAXX**,CASH,5,$1,$5,--,Cash\nZ1,Mine,FDRXX,CASH,5,$1,$5,--,Cash",
        refusal="nothing_to_import",
    ),
    Nasty(
        "a CUSIP",
        f'{SCHWAB}\n"912828YK0","BOND","5","99","495","495",',
        errors=("2:Symbol:cusip_unsupported",),
        warnings=("2:entry_date_assumed",),
    ),
    Nasty(
        "an option that is held short",
        f"{FIDELITY}\nZ1,Mine, -SNDK270917C1500,CALL,-2,$80,-$16000,$15000,Margin",
        ("SNDK 17SEP27 1500 C -2 @ 75",),
        warnings=("2:entry_date_assumed",),
    ),
    Nasty(
        "one option in four spellings",
        "\n".join(
            [
                SCHWAB,
                '"AAPL  270115C00300000","","1","$9","$900","$800",',
                '"-AAPL270115C300","","1","$9","$900","$800",',
                '"AAPL 15JAN27 300 C","","1","$9","$900","$800",',
                '"AAPL 01/15/2027 300.00 C","","1","$9","$900","$800",',
            ]
        ),
        ("AAPL 15JAN27 300 C 1 @ 8",) * 4,
        warnings=("2:entry_date_assumed", "3:identical_row", "4:identical_row", "5:identical_row"),
    ),
    Nasty(
        "an option that expires on the 31st of February",
        f"{FIDELITY}\nZ1,Mine, -SNDK270231C1500,CALL,1,$80,$8000,$7500,Margin",
        errors=("2:Symbol:symbol_too_long",),
        warnings=("2:entry_date_assumed",),
    ),
    Nasty(
        "neither cost nor price",
        f'{SCHWAB}\n"AAPL","","5","N/A","--","--",',
        errors=("2:Cost Basis:price_missing",),
        warnings=("2:entry_date_assumed",),
    ),
    Nasty(
        "a cost that is no number",
        f'{SCHWAB}\n"AAPL","","5","$190","$950","9x0",',
        errors=("2:Cost Basis:price_not_a_number",),
        warnings=("2:entry_date_assumed",),
    ),
    Nasty(
        "no shares at all",
        f"{VANGUARD}\n1,FUND,VTI,0,300,0,\n1,FUND,VOO,,500,0,",
        errors=("2:Shares:quantity_zero", "3:Shares:quantity_missing"),
        warnings=("2:entry_date_assumed", "2:cost_basis_missing", "3:cost_basis_missing"),
    ),
    Nasty(
        "a sale without a purchase",
        f"{SCHWAB_ACTIVITY}\n01/16/2024,Sell,AAPL,,1,$5,,$5",
        errors=("2:Quantity:oversell",),
    ),
    Nasty(
        "a short sale that says so",
        f"{SCHWAB_ACTIVITY}\n01/16/2024,Sell Short,AAPL,,100,$185.50,,",
        ("AAPL -100 @ 185.5",),
    ),
    Nasty(
        "a broken line inside a broker's table",
        f'{SCHWAB_ACTIVITY}\n01/16/2024,Buy,AAPL,"APPLE,100,$185.50,,\n01/16/2024,Buy,AAPL,,100,$185.50,,',
        ONE,
        ("2:None:quoting_broken",),
    ),
    Nasty(
        "a day that is not in the calendar, and one to come",
        f"{SCHWAB_ACTIVITY}\n02/30/2024,Buy,AAPL,,1,$5,,\n01/16/2027,Sell,AAPL,,1,$5,,",
        errors=("2:Date:date_not_iso", "3:Date:date_in_future"),
    ),
    Nasty(
        "a deposit to come, and one of no number",
        f"{SCHWAB_ACTIVITY}\n01/16/2027,Wire Received,,,,,,$5\n01/16/2024,Wire Received,,,,,,five\n"
        "01/16/2024,Buy,AAPL,,100,$185.50,,",
        ONE,
        ("2:Date:date_in_future", "3:Amount:amount_not_a_number"),
    ),
    Nasty(
        "a year of two digits at a broker",
        f"{SCHWAB_ACTIVITY}\n01/16/24,Buy,AAPL,,100,$185.50,,",
        errors=("2:Date:date_not_iso",),
    ),
    Nasty(
        "only deposits",
        f"{SCHWAB_ACTIVITY}\n01/16/2024,Wire Received,,,,,,$5",
        refusal="nothing_to_import",
    ),
    Nasty(
        "a merger",
        f"{SCHWAB_ACTIVITY}\n01/16/2024,Stock Merger,LCID,,50,,,",
        errors=("2:Action:action_unsupported",),
    ),
    Nasty(
        "a transaction number twice",
        f"{T212}\nMarket buy,2024-01-16 09:30:00,US0378331005,AAPL,Apple,100,185.5,USD,X1\n"
        "Market buy,2024-01-16 09:30:00,US0378331005,AAPL,Apple,100,185.5,USD,X1",
        ONE,
        ("3:None:transaction_repeated",),
    ),
    Nasty(
        "identical fills with numbers of their own",
        f"{T212}\nMarket buy,2024-01-16 09:30:00,,AAPL,Apple,100,185.5,USD,X1\n"
        "Market buy,2024-01-16 09:30:00,,AAPL,Apple,100,185.5,USD,X2",
        ONE * 2,
        warnings=("3:identical_row",),
    ),
    Nasty(
        "pence, and a currency that is not said",
        f"{T212}\nMarket buy,2024-01-16 09:30:00,,VOD,Vodafone,100,70,GBX,X1\n"
        "Market buy,2024-01-16 09:30:00,,AAPL,Apple,100,185.5,,X2",
        errors=("2:Currency (Price / share):currency_not_usd", "3:Currency (Price / share):currency_not_usd"),
    ),
    Nasty(
        "a ticker that the caller's ISIN replaces",
        f"{T212}\nMarket buy,2024-01-16 09:30:00,US0378331005,APC,Apple,100,185.5,USD,X1",
        ONE,
        isins={"US0378331005": "AAPL"},
    ),
    Nasty(
        "an ISIN and no ticker",
        f"{PARQET}\n2024-01-16T09:30:00Z;185,5;100;18550;Buy;Security;US0378331005;USD;h",
        errors=("2:identifier:isin_unmapped",),
    ),
    Nasty(
        "an ISIN that the caller maps, with decimal commas",
        f"{PARQET}\n2024-01-16T09:30:00Z;185,5;100;18550;Buy;Security;US0378331005;USD;h",
        ONE,
        isins={"US0378331005": "AAPL"},
    ),
    Nasty(
        "a quoted decimal comma at Revolut",
        f'{REVOLUT}\n2024-01-16T09:30:00Z,AAPL,BUY - MARKET,"0,25",$185.50,$46,USD,1',
        ("AAPL 0.25 @ 185.5",),
    ),
    Nasty(
        "a sentence that is no trade",
        f"{SAXO}\n1,16-Jan-2024,Trade,US0378331005,AAPL:xnas,Exercise 100,0",
        errors=("2:Event:action_unsupported",),
    ),
    Nasty(
        "a contract for difference, with spaces in its numbers",
        f'{ETORO}\n16/01/2024 09:30:00,Open Position,AAPL/USD," 1\u00a0855,00 ",10,7,CFD\n'
        '16/01/2024 09:30:00,Open Position,AAPL/USD," 18\u00a0550,00 ",100,8,Stocks',
        ONE,
        ("2:Details:asset_class_unsupported",),
    ),
    Nasty(
        "subtotals, totals and a future between trades",
        f'{IB}\n{IB_ROW},"2024-01-16, 09:30:00",100,185.5,O\nTrades,SubTotal,,Stocks,USD,AAPL,,100,,\n'
        'Trades,Data,Order,Futures,USD,ESH4,"2024-01-16, 09:30:00",1,4800,O\nTrades,Total,,,USD,,,,,',
        ONE,
        ("4:Symbol:asset_class_unsupported",),
    ),
    Nasty("XML that ends in the middle", FLEX.format(FLEX_TRADE.format(1, "BUY"))[:-30], refusal="xml_broken"),
    Nasty(
        "XML with entities",
        '<!DOCTYPE x [<!ENTITY a "b">]>' + FLEX.format(""),
        refusal="xml_broken",
    ),
    Nasty("XML without trades", FLEX.format('<CashReport currency="USD"/>'), refusal="nothing_to_import"),
    Nasty(
        "a cancelled trade in XML",
        FLEX.format(FLEX_TRADE.format(100, "BUY") + "\n" + FLEX_TRADE.format(-100, "BUY (Ca.)")),
        ONE,
        ("2:buySell:action_unsupported",),
    ),
]


@pytest.mark.parametrize("nasty", NASTY, ids=lambda nasty: nasty.name)
def test_a_nasty_file_has_its_report(nasty: Nasty, read):
    if nasty.refusal:
        with pytest.raises(ImportRefused) as caught:
            read(nasty.content, isins=nasty.isins, most=1_000)
        assert caught.value.code == nasty.refusal
        assert caught.value.code in REFUSALS
        return
    found = read(nasty.content, isins=nasty.isins, most=1_000)
    lots = tuple(f"{lot.symbol} {lot.quantity.normalize():f} @ {lot.entry_price.normalize():f}" for lot in found.lots)
    errors = tuple(f"{error.place}:{error.column}:{error.code}" for error in found.errors)
    warnings = tuple(f"{warning.place}:{warning.code}" for warning in found.warnings)
    assert (lots, errors, warnings) == (nasty.lots, nasty.errors, nasty.warnings)
    assert all(finding.mend and finding.message for finding in [*found.errors, *found.warnings])
    assert {error.code for error in found.errors} <= ERRORS.keys()
    assert {warning.code for warning in found.warnings} <= WARNINGS.keys()


def test_there_are_sixty_of_them():
    assert len({nasty.name for nasty in NASTY}) == len(NASTY) >= 60
