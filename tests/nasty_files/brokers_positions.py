"""Positions as brokers export them, and what stands around them."""

from nasty_files.nasty import ONE, SCHWAB, Nasty

FIDELITY = "Account Number,Account Name,Symbol,Description,Quantity,Last Price,Current Value,Cost Basis Total,Type"
VANGUARD = "Account Number,Investment Name,Symbol,Shares,Share Price,Total Value,"

BROKERS_POSITIONS = [
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
]
