"""The brokers that must be read: their positions, their activity, and what stands around both."""

from datetime import date

import pytest

from onboarding.imports.dialects import DIALECTS
from onboarding.imports.lot import InvestmentClass
from onboarding.imports.rows import Validated

SCHWAB_POSITIONS = """\
"Positions for account All-Accounts as of 04:05 PM ET, 2026/11/13"

"Individual ...123"
"Symbol","Description","Qty (Quantity)","Price","Mkt Val (Market Value)","Cost Basis","Security Type",
"AAPL","APPLE INC","1,000","$270.10","$270,100.00","$185,500.00","Equity",
"BRK/B","BERKSHIRE","-10","$490.00","-$4,900.00","($4,100.00)","Equity",
"AAPL 01/15/2027 300.00 C","CALL APPLE","2","$12.50","$2,500.00","$1,850.40","Option",
"NEWCO","SPUN OFF","7","$10.00","$70.00","N/A","Equity",
"912828YK0","US TREASURY","5,000","$99.10","$4,955.00","$4,990.00","Fixed Income",
"SWVXX","MONEY MARKET","5,000","$1.00","$5,000.00","$5,000.00","Mutual Fund",
"Cash & Cash Investments","--","--","--","$1,234.56","--","Cash and Money Market",
"Account Total","--","--","--","$278,959.56","$188,240.40","--",

"Roth ...456"
"Symbol","Description","Quantity","Price","Market Value","Cost Basis","Security Type",
"MSFT","MICROSOFT","3","$500.00","$1,500.00","$1,200.00","Equity",
"Positions Total","","","","$1,500.00","$1,200.00","--",
"""

SCHWAB_ACTIVITY = """\
"Date","Action","Symbol","Description","Quantity","Price","Fees & Comm","Amount"
"11/12/2026","Expired","SPY 11/11/2026 600.00 P","PUT","-1","","",""
"11/10/2026","Sell","AAPL","APPLE","15","$50.00","","$750.00"
"11/09/2026","Stock Split","AAPL","APPLE","30","","",""
"11/05/2026","Buy to Cover","TSLA","TESLA","4","$400.00","","-$1600.00"
"11/04/2026","Sell Short","TSLA","TESLA","10","$410.00","","$4100.00"
"11/03/2026","Buy to Open","SPY 11/11/2026 600.00 P","PUT","1","$3.10","$0.65","-$310.65"
"11/02/2026 as of 10/30/2026","Buy","AAPL","APPLE","10","$200.00","","-$2000.00"
"""

FIDELITY_POSITIONS = """\
Account number,Account name,Symbol,Description,Quantity,Last price,Current value,Cost basis total,\
Average cost basis,Type
Z1,Individual,SPAXX**,HELD IN MONEY MARKET,,,$500.00,,,Cash,
Z1,Individual,AAPL,APPLE INC,10,$270.10,$2701.00,$1855.00,$185.50,Cash,
Z1,Individual, -SNDK270917C1500,SNDK SEP 17 2027 $1500 CALL,-1,$80.00,-$8000.00,$7500.33,$75.00,Margin,
Z2,401K,31617E471,FID CONTRAFUND POOL,12.5,$20.00,$250.00,--,n/a,,
Z2,Roth,VTI,VANGUARD,5,$300.00,$1500.00,n/a,n/a,Cash,
Z2,Roth,Pending activity,,,,$12.00,,,,

"The data and information in this spreadsheet is provided to you solely for your use, and is not for distribution."

"Date downloaded Nov-13-2026 4:05 p.m ET"
"""

FIDELITY_HISTORY = """\


Run Date,Account,Action,Symbol,Description,Type,Quantity,Price ($),Commission ($),Fees ($),Amount ($),Settlement Date
 11/12/2026,"Individual Z1", YOU SOLD APPLE INC (AAPL) (Cash), AAPL," APPLE INC",Cash,-4,272,,,1088,11/13/2026
 11/10/2026,"Individual Z1", REINVESTMENT APPLE INC (AAPL) (Cash), AAPL," APPLE INC",Cash,0.5,260,,,-130,
 11/10/2026,"Individual Z1", DIVIDEND RECEIVED APPLE INC (AAPL) (Cash), AAPL," APPLE INC",Cash,,,,,130,
 11/09/2026,"Individual Z1", DISTRIBUTION NEWCO (NEW) (Cash), NEW," NEWCO",Cash,3,,,,,
 11/03/2026,"Individual Z1", YOU SOLD OPENING TRANSACTION PUT (SPY), -SPY261218P500,PUT,Margin,-1,4.5,,,450,
 11/02/2026,"Individual Z1", YOU BOUGHT APPLE INC (AAPL) (Cash), AAPL," APPLE INC",Cash,10,250,,,-2500,11/03/2026

"The data and information in this spreadsheet is provided to you solely for your use"
Date downloaded 11/13/2026 4:05 pm
"""

VANGUARD = """\
Account Number,Investment Name,Symbol,Shares,Share Price,Total Value,
12345678,VANGUARD TOTAL STOCK,VTI,10.5,300.25,3152.63,
12345678,VANGUARD FEDERAL MONEY MARKET,VMFXX,500,1,500,


Account Number,Trade Date,Settlement Date,Transaction Type,Transaction Description,Investment Name,Symbol,Shares,\
Share Price,Principal Amount,Commissions and Fees,Net Amount,Accrued Interest,Account Type,
12345678,2026-11-02,2026-11-03,Buy,Buy,VANGUARD TOTAL STOCK,VTI,10.5,290,-3045,0,-3045,0,CASH,
12345678,2026-11-02,2026-11-02,Sweep out,Sweep Out Of,VANGUARD FEDERAL MONEY MARKET,VMFXX,0,1,-3045,0,-3045,0,CASH,
12345678,2026-11-05,2026-11-05,Stock split,Split,VANGUARD TOTAL STOCK,VTI,10.5,0,0,0,0,0,CASH,
"""

IB_POSITIONS = """\
Statement,Header,Field Name,Field Value
Statement,Data,Period,"January 1, 2026 - November 13, 2026"
Open Positions,Header,DataDiscriminator,Asset Category,Currency,Symbol,Open,Quantity,Mult,Cost Price,\
Cost Basis,Close Price,Value,Code
Open Positions,Data,Summary,Stocks,USD,AAPL,-,15,1,190,2850,270.1,4051.5,
Open Positions,Data,Lot,Stocks,USD,AAPL,"2025-03-04, 10:00:00",10,1,180,1800,,2701,
Open Positions,Data,Lot,Stocks,USD,AAPL,"2026-02-03, 11:00:00",5,1,210,1050,,1350.5,
Open Positions,Data,Summary,Stocks,EUR,SAP,-,3,1,120,360,250,750,
Open Positions,Data,Summary,Equity and Index Options,USD,AAPL 15JAN27 300 C,-,-2,100,12.5,-2500,9,-1800,
Open Positions,Data,Summary,Futures,USD,ESZ6,-,1,50,6000,300000,6100,305000,
Open Positions,Total,,Stocks,USD,,,,,,2850,,4051.5,
Dividends,Header,Currency,Date,Description,Amount
Dividends,Data,USD,2026-11-12,AAPL dividend,3.75
"""

FLEX_CSV = """\
"ClientAccountID","CurrencyPrimary","AssetClass","Symbol","ISIN","TradeID","TradeDate","DateTime","Quantity","TradePrice",\
"Buy/Sell","Open/CloseIndicator","LevelOfDetail"
"U1","USD","STK","AAPL","US0378331005","1","20261102","20261102;093000","10","250.5","BUY","O","EXECUTION"
"U1","USD","STK","AAPL","US0378331005","2","20261103","20261103;093000","-4","260","SELL","C","EXECUTION"
"U1","USD","STK","TSLA","US88160R1014","3","20261103","20261103;100000","-3","400","SELL","O","EXECUTION"
"U1","USD","STK","AAPL","US0378331005","1","20261102","20261102;093000","10","250.5","BUY","O","EXECUTION"
"U1","USD","CASH","EUR.USD","","4","20261103","20261103;110000","100","1.1","BUY","","EXECUTION"
"U1","USD","STK","AAPL","US0378331005","","20261102","","10","250.5","BUY","O","ORDER"
"""

FLEX_XML = """\
<FlexQueryResponse><FlexStatements><FlexStatement accountId="U1">
<OpenPositions>
<OpenPosition accountId="U1" currency="USD" assetCategory="STK" symbol="BRK B" position="4" markPrice="490"
 costBasisPrice="410.5" reportDate="20261113" levelOfDetail="SUMMARY"/>
<OpenPosition accountId="U1" currency="USD" assetCategory="STK" symbol="AAPL" position="9" markPrice="270"
 costBasisMoney="1800" openDateTime="20260203;103000" reportDate="20261113" levelOfDetail="LOT"/>
<OpenPosition accountId="U1" currency="USD" assetCategory="OPT" symbol="AAPL  270115C00300000" multiplier="100"
 position="-2" markPrice="9" costBasisMoney="-2500" reportDate="20261113" levelOfDetail="SUMMARY"/>
</OpenPositions></FlexStatement></FlexStatements></FlexQueryResponse>
"""


def lots(found: Validated) -> list[str]:
    def shown(lot):
        end = f" {lot.exit_price.normalize():f} {lot.exit_date}" if lot.exit_date else ""
        return f"{lot.symbol} {lot.quantity.normalize():f} {lot.entry_price.normalize():f} {lot.entry_date}{end}"

    return [shown(lot) for lot in found.lots]


def refused(found: Validated) -> list[tuple[int, str | None, str]]:
    return [(error.place, error.column, error.code) for error in found.errors]


def warned(found: Validated, code: str) -> list[tuple[int, str]]:
    return [(warning.place, warning.value) for warning in found.warnings if warning.code == code]


def test_schwab_positions_of_several_accounts(read):
    found = read(SCHWAB_POSITIONS)
    assert lots(found) == [
        "AAPL 1000 185.5 2026-11-13",
        "BRK-B -10 410 2026-11-13",
        "AAPL 15JAN27 300 C 2 9.252 2026-11-13",
        "NEWCO 7 10 2026-11-13",
        "MSFT 3 400 2026-11-13",
    ]
    assert refused(found) == [(9, "Symbol", "cusip_unsupported")]
    assert warned(found, "cost_basis_missing") == [(8, "NEWCO")]
    assert warned(found, "rows_left_out") == [(10, "cash"), (12, "totals")]
    assert found.lots[2].investment_class is InvestmentClass.OPTIONS
    assert (found.rows, found.rejected, found.left_out) == (6, 1, 4)


def test_the_callers_date_wins_over_the_files(read):
    assert {lot.entry_date for lot in read(SCHWAB_POSITIONS, day=date(2026, 11, 16)).lots} == {date(2026, 11, 16)}


def test_schwab_activity_with_shorts_options_and_a_split_between_purchase_and_sale(read):
    found = read(SCHWAB_ACTIVITY)
    assert lots(found) == [
        "TSLA -4 410 2026-11-04 400 2026-11-05",
        "TSLA -6 410 2026-11-04",
        "SPY 11NOV26 600 P 1 3.1 2026-11-03 0 2026-11-12",
        "AAPL 3.75 200 2026-10-30 50 2026-11-10",
        "AAPL 6.25 200 2026-10-30",
    ]
    assert not found.errors


def test_fidelity_positions_with_options_pools_and_a_footer(read):
    found = read(FIDELITY_POSITIONS)
    assert lots(found) == [
        "AAPL 10 185.5 2026-11-13",
        "SNDK 17SEP27 1500 C -1 75.0033 2026-11-13",
        "VTI 5 300 2026-11-13",
    ]
    assert refused(found) == [(5, "Symbol", "cusip_unsupported")]
    assert warned(found, "rows_left_out") == [(2, "cash"), (7, "pending activity")]


def test_fidelity_history(read):
    found = read(FIDELITY_HISTORY)
    assert lots(found) == [
        "AAPL 0.5 260 2026-11-10",
        "SPY 18DEC26 500 P -1 4.5 2026-11-03",
        "AAPL 4 250 2026-11-02 272 2026-11-12",
        "AAPL 6 250 2026-11-02",
    ]
    assert refused(found) == [(7, "Action", "action_unsupported")]


def test_vanguard_positions_are_entered_at_market_and_their_transactions_left_out(read):
    found = read(VANGUARD, day=date(2026, 11, 13))
    assert lots(found) == ["VTI 10.5 300.25 2026-11-13"]
    assert not found.errors
    assert warned(found, "cost_basis_missing") == [(2, "VTI")]
    assert warned(found, "rows_left_out") == [(3, "cash"), (7, "activity that led to the positions")]


def test_vanguard_transactions_alone_are_matched(read):
    found = read(VANGUARD.split("\n\n\n", 1)[1])
    assert lots(found) == ["VTI 10.5 290 2026-11-02"]
    assert refused(found) == [(4, "Transaction Type", "action_unsupported")]


def test_interactive_brokers_positions_by_lot_where_lots_are_listed(read):
    found = read(IB_POSITIONS)
    assert lots(found) == [
        "AAPL 10 180 2025-03-04",
        "AAPL 5 210 2026-02-03",
        "AAPL 15JAN27 300 C -2 12.5 2026-11-13",
    ]
    assert refused(found) == [(7, "Currency", "currency_not_usd"), (9, "Symbol", "asset_class_unsupported")]
    assert warned(found, "rows_left_out") == [(4, "sums of lots"), (12, "dividends")]


def test_flex_trades_with_a_short_sale_and_a_repeated_transaction(read):
    found = read(FLEX_CSV)
    assert lots(found) == [
        "AAPL 4 250.5 2026-11-02 260 2026-11-03",
        "AAPL 6 250.5 2026-11-02",
        "TSLA -3 400 2026-11-03",
    ]
    assert refused(found) == [(5, None, "transaction_repeated")]
    assert warned(found, "rows_left_out") == [(6, "currency exchanges"), (7, "repetitions of trades")]


def test_flex_positions_in_xml(read):
    found = read(FLEX_XML)
    assert lots(found) == [
        "BRK-B 4 410.5 2026-11-13",
        "AAPL 9 200 2026-02-03",
        "AAPL 15JAN27 300 C -2 12.5 2026-11-13",
    ]
    assert not found.errors


@pytest.mark.parametrize("old", ["Quantity", "Qty (Quantity)"])
def test_schwabs_older_titles_are_the_same_file(read, old):
    content = SCHWAB_POSITIONS.replace("Qty (Quantity)", old)
    assert lots(read(content)) == lots(read(SCHWAB_POSITIONS))


def test_every_dialect_has_its_own_name():
    assert len({dialect.name for dialect in DIALECTS}) == len(DIALECTS) == 13
