"""What to do about each finding, by its code. The list is also the list of all codes."""

from collections.abc import Mapping

_NUMBER = "Write a plain number such as 1234.56, with a point for decimals."
_RESEND = "Save the file as CSV UTF-8 and send it again."
_BY_HAND = "Leave the row out and enter what it did to the holding by hand, as lots in our CSV."

ERRORS: Mapping[str, str] = {
    "symbol_missing": "Write the ticker. A row that is no position, such as a currency exchange, is left out.",
    "symbol_too_long": "Write the ticker, not the company's name.",
    "symbol_bad_characters": "Write the ticker in letters and digits, a share class as in BRK-B.",
    "cusip_unsupported": "Write the ticker instead; bonds have none and are entered as PRIVATE in our CSV.",
    "isin_unmapped": "Name the ticker of this ISIN in `isins`, or leave the row out.",
    "quantity_missing": "Write how many shares; a short position is negative.",
    "quantity_not_a_number": _NUMBER,
    "quantity_zero": "Leave the row out: there is nothing in it.",
    "quantity_too_large": "Check the decimal point and the unit.",
    "quantity_contradicts_side": "Write a positive quantity; a cancelled purchase is left out together with it.",
    "amount_too_large": "Check the decimal point of quantity, price and amount.",
    "amount_missing": "Write the amount in USD; what went out is below zero.",
    "amount_not_a_number": "Write the amount as a number such as 1234.56; what went out is below zero.",
    "price_missing": "Write the price per share.",
    "price_not_a_number": _NUMBER,
    "price_too_large": "Check the decimal point and the unit.",
    "price_not_positive": "Write a price above zero; for shares that cost nothing, their market price of that day.",
    "price_in_other_currency": "Write the price in USD.",
    "fee_not_a_number": _NUMBER,
    "fee_too_large": "Check the decimal point; it is the fee of the whole lot, in USD.",
    "fee_negative": "Write what was paid without a sign, or nothing where nothing was paid.",
    "exit_fee_without_exit": "Add date and price of the exit, or empty the cell.",
    "date_missing": "Write the date as 2024-12-31.",
    "date_not_iso": "Write the date as 2024-12-31, a day that is in the calendar.",
    "date_in_future": "Correct the date; what has not happened yet cannot be imported.",
    "date_too_old": "Correct the date; look at its century.",
    "class_invalid": "Write PUBLIC, OPTIONS or PRIVATE, or leave it empty.",
    "subtype_invalid": "Write one of the subtypes of the class, or leave it empty.",
    "currency_not_usd": "Convert the row to USD, or leave it out.",
    "multiplier_invalid": "Leave it empty: 100 for options, 1 for everything else.",
    "multiplier_not_a_number": _NUMBER,
    "multiplier_too_large": "Check the decimal point.",
    "exit_before_entry": "Exchange the two dates, or correct one.",
    "expiry_before_entry": "Correct the expiry or the date of entry.",
    "option_underlying_missing": "Write the underlying's ticker.",
    "option_strike_missing": "Write the strike price.",
    "option_expiry_missing": "Write the expiry as 2024-12-31.",
    "option_type_missing": "Write CALL or PUT.",
    "option_type_invalid": "Write CALL or PUT.",
    "option_detail_unexpected": "Empty the cell, or write OPTIONS as the class.",
    "asset_class_unsupported": "Leave the row out, or enter it as PRIVATE in our CSV.",
    "withdrawal_exceeds_nav": "Write a smaller amount; a loss of the account's is a fee.",
    "action_unsupported": _BY_HAND,
    "oversell": "Send a file that begins before the purchase, or leave the row out; a short sale must say so.",
    "transaction_repeated": "Remove the repetition: the broker's number says that it is the same transaction.",
    "quoting_broken": 'Close the quotes; write "" for a quote inside of quotes.',
    "too_many_cells": "Quote values that have the delimiter in them.",
    "line_too_long": "Break the line up; a row is one line.",
    "field_unknown": "Remove the field or correct its name.",
    "value_invalid": "Write a text or a number.",
    "position_invalid": "Send an object for each position.",
}
"""A row with one of these is refused."""

REFUSALS: Mapping[str, str] = {
    "file_empty": "Send the file that has the rows.",
    "file_too_large": "Send the file in parts.",
    "not_utf8": _RESEND,
    "not_text": _RESEND,
    "header_broken": "Correct the header's quotes.",
    "columns_missing": "Add the columns to the header, or send the broker's file as it was exported.",
    "column_repeated": "Remove one of the two columns.",
    "too_many_rows": "Send the file in parts.",
    "xml_broken": "Export the file again, whole.",
    "nothing_to_import": "Export positions or trades; this file has only movements of cash.",
}
"""A file with one of these is refused as a whole."""

WARNINGS: Mapping[str, str] = {
    "number_rounded": "Nothing, unless the lost decimals matter.",
    "identical_row": "Remove one if it was exported twice; two fills at one price are both kept.",
    "column_ignored": "Nothing, unless the name was misspelt.",
    "header_repeated": "Nothing.",
    "symbol_renamed": "Nothing.",
    "read_as_windows_1252": "Nothing, unless names look wrong: then save the file as CSV UTF-8.",
    "rows_left_out": "Nothing: these rows are no positions.",
    "cost_basis_missing": "Nothing, or enter the position in our CSV with what was paid.",
    "entry_date_assumed": "Nothing, or enter the positions in our CSV with their dates of purchase.",
    "fee_left_out": "Nothing, unless it matters: then enter it by hand, in USD.",
    "flows_before_first_session": "Nothing, or name an earlier first_session and the equity of that day.",
    "listed_elsewhere": "Check that the ticker means the same security in the United States.",
    "split_without_holding": "Nothing, unless shares were bought before this file begins.",
}
"""A row with one of these is entered all the same, or was never a position."""


def mend_of(code: str) -> str:
    """What to do about a finding with `code`; empty for a code that is not of imports."""
    return ERRORS.get(code) or REFUSALS.get(code) or WARNINGS.get(code) or ""
