"""Trades and movements of cash as brokers export them."""

from nasty_files.nasty import ONE, Nasty

SCHWAB_ACTIVITY = "Date,Action,Symbol,Description,Quantity,Price,Fees & Comm,Amount"
T212 = "Action,Time,ISIN,Ticker,Name,No. of shares,Price / share,Currency (Price / share),ID"
REVOLUT = "Date,Ticker,Type,Quantity,Price per share,Total Amount,Currency,FX Rate"
SAXO = "Client ID,Trade Date,Type,Instrument ISIN,Instrument Symbol,Event,Amount"
ETORO = "Date,Type,Details,Amount,Units,Position ID,Asset type"
IB = "Trades,Header,DataDiscriminator,Asset Category,Currency,Symbol,Date/Time,Quantity,T. Price,Code"
IB_ROW = "Trades,Data,Order,Stocks,USD,AAPL"
PARQET = "datetime;price;shares;amount;type;assettype;identifier;currency;holding"

BROKERS_ACTIVITY = [
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
]
