"""Files as brokers exported them: exactly which lots they come to, and which rows are refused."""

import pytest

from onboarding.imports.findings import ImportRefused
from onboarding.imports.rows import Validated


def lots(found: Validated) -> list[tuple[str, ...]]:
    """Each lot as text: line, symbol, quantity, price, date, and exit price and date where it has them."""
    return [
        (
            str(place),
            lot.symbol,
            f"{lot.quantity.normalize():f}",
            f"{lot.entry_price.normalize():f}",
            lot.entry_date.isoformat(),
            *(() if lot.exit_date is None else (f"{lot.exit_price.normalize():f}", lot.exit_date.isoformat())),
        )
        for place, lot in zip(found.places, found.lots, strict=True)
    ]


def written(text: str) -> list[tuple[str, ...]]:
    return [tuple(line.split()) for line in text.strip().splitlines()]


def fees(found: Validated) -> list[tuple[int, str, str]]:
    """Line, entry fee and exit fee of each lot that has any."""
    return [
        (place, f"{lot.entry_fee.normalize():f}", f"{lot.exit_fee.normalize():f}")
        for place, lot in zip(found.places, found.lots, strict=True)
        if lot.entry_fee or lot.exit_fee
    ]


def flows(found: Validated) -> list[tuple[str, ...]]:
    rows = [(str(row.place), row.flow) for row in found.flows]
    return [(place, flow.kind, f"{flow.amount:.2f}", flow.day.isoformat()) for place, flow in rows]


def refused(found: Validated) -> list[tuple[int, str]]:
    return [(error.place, error.code) for error in found.errors]


def all_of(code: str, *lines: int) -> list[tuple[int, str]]:
    return [(line, code) for line in lines]


def test_the_trades_of_an_activity_statement_become_two_round_trips_and_two_open_lots(read, sample):
    found = read(sample("activity_statement_trades.csv"))
    assert lots(found) == written("""
        8  RXRX 324 9.07    2024-06-06 8.875 2024-06-06
        10 RXRX 192 8.81    2024-06-06 8.45  2024-06-10
        12 SPY  1   580.77  2024-10-29
        13 SPY  1   580.625 2024-10-29
    """)
    assert (found.dialect, found.rows, found.errors, found.left_out) == ("interactive_brokers", 6, [], 0)
    assert fees(found) == [
        (8, "0.5192", "1.3334"),
        (10, "0.3077", "0.7879"),
        (12, "0.3505", "0"),
        (13, "0.3505", "0"),
    ]


def test_etoro_opens_shares_by_amount_and_refuses_contracts_for_difference(read, sample):
    found = read(sample("etoro-export.csv"))
    assert lots(found) == written("""
        13 AMD  0.337209 147.92013262 2024-01-09
        14 SLAB 0.219575 124.64989184 2024-01-09
        15 SWKS 0.888488 105.37002188 2024-01-09
    """)
    assert refused(found) == all_of("oversell", 11, 12, 19) + all_of("asset_class_unsupported", 23, 25, 28)
    assert (found.dialect, found.left_out) == ("etoro", 17)
    assert flows(found) == written("""
        7 fee        -1.36   2024-01-03
        8 withdrawal -100.11 2024-01-03
    """)


def test_a_flex_query_in_xml_is_its_open_positions_not_the_trades_that_led_to_them(read, sample):
    found = read(sample("flex_alloiq.xml"))
    assert lots(found) == written("13 NVDA 10 900.6 2026-05-07")
    assert (found.dialect, refused(found), found.left_out) == ("interactive_brokers_xml", [], 4)
    assert [warning.code for warning in found.warnings] == ["entry_date_assumed", *["rows_left_out"] * 3]


def test_freetrade_is_imported_where_the_instrument_counts_in_dollars(read, sample):
    found = read(sample("freetrade-export.csv"))
    assert lots(found) == written("11 NVDA 4.1056135 617.439318 2024-01-24")
    assert refused(found) == all_of("currency_not_usd", 7, 9, 13)
    assert (found.dialect, found.left_out) == ("freetrade", 9)


def test_a_list_of_dividends_has_nothing_to_import(read, sample):
    with pytest.raises(ImportRefused) as caught:
        read(sample("ibkr-dividends-export.csv"))
    assert caught.value.code == "nothing_to_import"


def test_flex_trades_without_tickers_need_the_callers_isins(read, sample):
    content = sample("ibkr-trades-export.csv")
    found = read(content)
    assert lots(found) == []
    assert refused(found) == [
        (2, "isin_unmapped"),
        (2, "currency_not_usd"),
        *all_of("isin_unmapped", 3, 4, 5, 6, 7, 8, 9),
        *all_of("symbol_missing", 10, 11, 12),
    ]
    mapped = read(content, isins={"US9220427424": "VT"})
    assert lots(mapped) == written("""
        3 VT 95  93.78  2023-05-22
        4 VT 105 95.42  2023-06-09
        5 VT 11  95.46  2023-06-09
        6 VT 1   97.84  2023-08-03
        7 VT 2   103.18 2023-12-28
        8 VT 97  103.61 2024-01-26
        9 VT 12  103.66 2024-01-29
    """)
    expected = [(2, "isin_unmapped"), (2, "currency_not_usd"), *all_of("symbol_missing", 10, 11, 12)]
    assert (refused(mapped), mapped.rejected, mapped.rows) == (expected, 4, 11)
    assert fees(mapped) == [(line, "0.979" if line == 6 else "1", "0") for line in range(3, 10)]


def test_schwab_transactions_forwards_in_time_close_three_lots(read, sample):
    found = read(sample("kapji_2023_transactions.csv"))
    assert lots(found) == written("""
        3 BAR 300  135.0075 2023-10-09 140.35   2023-10-24
        5 FOO 500  90.1234  2023-12-01 100.0001 2024-01-08
        7 QUX 1300 160.1275 2024-02-06 170.3521 2024-02-26
    """)
    assert (found.dialect, refused(found), found.left_out) == ("schwab", [], 0)
    assert fees(found) == [(3, "1.34", "1.34"), (5, "0", "1.23"), (7, "1.12", "1.2")]
    assert flows(found) == written("2 deposit 1000000.00 2022-03-01")


def test_a_transaction_history_in_another_base_currency_is_refused(read, sample):
    found = read(sample("kapji_transaction_history.csv"))
    assert lots(found) == []
    assert refused(found) == all_of("currency_not_usd", 17, 18)
    assert {(error.column, error.value) for error in found.errors} == {("Base Currency", "GBP")}
    assert (found.dialect, found.left_out) == ("interactive_brokers", 10)


def test_parqet_counts_in_euros_and_names_only_isins(read, sample):
    found = read(sample("parqet-export.csv"))
    trades = [*range(2, 9), *range(10, 16), 17, 18, 20, 21, 22, 24, 25]
    assert lots(found) == []
    assert refused(found) == [(line, code) for line in trades for code in ("isin_unmapped", "currency_not_usd")]
    assert (found.dialect, found.rows, found.rejected, found.left_out) == ("parqet", 20, 20, 7)
    isins = {"LU2089238203": "PRIW", "IE00BM67HT60": "XXTW", "DE0008404005": "ALV", "IL0011582033": "FVRR"}
    assert refused(read(sample("parqet-export.csv"), isins=isins)) == all_of("currency_not_usd", *trades)


def test_revolut_keeps_one_purchase_in_dollars(read, sample):
    found = read(sample("revolut-invest-export.csv"))
    assert lots(found) == written("4 O 1.63453043 52.07 2023-09-22")
    assert refused(found) == [(5, "oversell"), *all_of("currency_not_usd", 12, 13)]
    assert (found.warnings[0].place, found.warnings[0].code) == (9, "split_without_holding")
    assert (found.dialect, found.left_out) == ("revolut", 4)
    assert flows(found) == written("""
        2 withdrawal -30.93 2019-12-02
        3 deposit    5.22   2019-11-15
        7 fee        -0.01  2021-09-01
    """)


def test_saxo_keeps_identical_fills_and_sells_the_oldest_first(read, sample):
    found = read(sample("saxo-export.csv"))
    assert lots(found) == written("""
        10 NVDA 3  134.85 2024-12-30
        13 VWRA 3  139.74 2024-12-30
        14 META 1  589.16 2024-12-30
        16 AMZN 2  220    2024-12-30
        18 VWRA 3  139.74 2024-12-30
        19 VWRA 17 139.74 2024-12-30
        20 VWRA 3  139.74 2024-12-30
        24 VWRA 2  142.58 2024-12-16
        28 VWRA 1  142.58 2024-12-16 139.74 2025-01-02
        28 VWRA 1  142.58 2024-12-16
        29 VWRA 2  142.58 2024-12-16 139.74 2025-01-02
    """)
    assert refused(found) == [(30, "currency_not_usd")]
    warned = [(warning.place, warning.code) for warning in found.warnings]
    assert [place for place, code in warned if code == "identical_row"] == [18, 20, 28, 29]
    assert [place for place, code in warned if code == "listed_elsewhere"] == [4, 13, 18, 19, 20, 24, 28, 29]
    assert (found.dialect, found.left_out) == ("saxo", 2)
    assert flows(found) == written("""
        5  fee        -3.91   2025-01-02
        6  fee        -5.20   2025-01-02
        7  fee        -2.83   2025-01-02
        8  fee        -0.64   2025-01-02
        9  deposit    500.00  2024-12-30
        11 deposit    833.00  2024-12-30
        12 deposit    833.00  2024-12-30
        15 deposit    500.00  2024-12-30
        17 deposit    500.00  2024-12-30
        21 deposit    833.00  2024-12-30
        22 deposit    750.00  2024-12-23
        23 deposit    750.00  2024-12-23
        25 deposit    280.00  2024-12-16
        26 deposit    280.00  2024-12-16
        27 deposit    280.00  2024-12-16
        31 withdrawal -280.00 2024-12-16
    """)


def test_schwab_transactions_backwards_in_time_reinvest_split_and_oversell(read, sample):
    found = read(sample("schwab-export.csv"))
    assert lots(found) == written("""
        2   SPY   1.6531  420.1  2023-11-01
        6   FIHBX 12.4    8.25   2023-10-31
        7   NFRIX 8.082   17.83  2023-10-31
        15  VNQ   4.4877  72.69  2023-10-04
        17  GBDC  10.32   14.5   2023-10-03
        18  ARCC  9.2428  19.23  2023-10-02
        19  TCPC  13.3458 11.46  2023-10-02
        20  TSLX  6.5717  20.46  2023-10-02
        21  NMFC  11.2967 13.05  2023-10-02
        28  FMGIX 3.624   15.48  2023-09-28
        37  SPY   1.5705  455.98 2023-08-01
        40  NFRIX 7.272   17.94  2023-07-31
        41  FIHBX 14.396  8.57   2023-07-31
        44  FMGIX 4.853   17.34  2023-06-27
        46  VEA   0.0086  45.33  2023-06-26
        47  VWO   0.0022  40.3   2023-06-26
        59  NFRIX 6.837   17.73  2023-05-31
        60  FIHBX 14.539  8.37   2023-05-31
        65  SPY   1.575   416.5  2023-05-01
        68  NFRIX 6.486   17.9   2023-04-28
        69  FIHBX 14.356  8.52   2023-04-28
        74  TSLX  6.9586  18.4   2023-04-03
        75  TCPC  12.9452 10.46  2023-04-03
        76  NMFC  11.4445 12.24  2023-04-03
        77  ARCC  9.1779  18.4   2023-04-03
        80  FIHBX 14.445  8.47   2023-03-31
        83  DGLRX 4.546   21.78  2023-03-28
        84  FMGIX 1.529   17.33  2023-03-28
        87  VWO   0.0003  39.59  2023-03-24
        88  SPY   2.299   405.42 2023-02-01
        90  NFRIX 6.004   18.08  2023-01-31
        92  FIHBX 14.855  8.58   2023-01-31
        98  NMFC  10.9694 12.45  2023-01-03
        99  TCPC  10.0443 13.17  2023-01-03
        107 AVGO  1       1680   2024-06-13
    """)
    assert refused(found) == [(34, "oversell"), *all_of("action_unsupported", 62, *range(110, 120))]
    assert (found.dialect, found.rows, found.rejected, found.left_out) == ("schwab", 61, 12, 58)
    assert flows(found) == written("""
        31  fee        -519.67    2023-08-24
        32  fee        -769.14    2023-08-24
        33  fee        -2019.29   2023-08-24
        70  fee        -26.58     2023-04-21
        71  fee        -945.32    2023-04-21
        72  fee        -16.13     2023-04-21
        73  fee        -26.58     2023-04-21
        95  fee        -25.65     2023-01-23
        96  fee        -12.51     2023-01-23
        97  fee        -6.10      2023-01-23
        101 withdrawal -100000.00 2023-10-18
        102 withdrawal -30.00     2024-04-08
        103 deposit    7.06       2023-11-07
        105 fee        -0.50      2024-09-06
    """)
    assert found.left_out + found.rows + 1 == 120, "each row is accounted for, the split beside trades and cash"


def test_swissquote_keeps_dollars_and_knows_no_purchase_of_what_was_sold(read, sample):
    found = read(sample("swissquote-export.csv"))
    assert lots(found) == written("""
        5 ORFN 200  19.85 2022-08-10
        9 WENS 3300 5.917 2022-08-09
    """)
    assert refused(found) == all_of("currency_not_usd", 6, 7, 8) + all_of("oversell", 12, 13, 18, 19, 20)
    assert (found.dialect, found.left_out) == ("swissquote", 11)
    assert fees(found) == [(5, "5.96", "0"), (9, "43.64", "0")]


def test_trading212_counts_the_price_in_its_own_currency(read, sample):
    found = read(sample("trading212-export.csv"))
    assert lots(found) == written("""
        3 CSCO 0.029053 49.96 2023-12-18
        4 VICI 0.041014 31.93 2023-12-18
        5 ASTS 0.29764  5.39  2023-12-18
    """)
    assert refused(found) == [(6, "oversell"), *all_of("action_unsupported", 11, 12, 13, 14)]
    assert (found.dialect, found.left_out) == ("trading212", 5)
