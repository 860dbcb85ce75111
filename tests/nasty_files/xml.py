"""XML of Interactive Brokers."""

from nasty_files.nasty import FLEX, ONE, Nasty

FLEX_TRADE = '<Trade symbol="AAPL" currency="USD" tradeDate="20240116" quantity="{}" tradePrice="185.5" buySell="{}"/>'

XML = [
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
