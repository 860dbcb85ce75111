import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskstream.symbology import LONGEST, InvalidSymbolError, dash_form, normalise


@pytest.mark.parametrize("text", ["BRK-B", "brk.b", "BRK/B", " Brk.B\n"])
def test_every_way_to_write_a_share_class_is_one_symbol(text: str) -> None:
    assert normalise(text) == "BRK-B"


@pytest.mark.parametrize("text", ["SPY", "^GSPC", "0700-HK", "EURUSD=X", "A"])
def test_symbols_in_dash_form_stay_as_they_are(text: str) -> None:
    assert normalise(text) == text


@pytest.mark.parametrize(
    "text", ["", " ", "-", "A-", "-A", "A--B", "A B", "A,B", "A'--", "ß", "SPY\x00", "💸", "A" * (LONGEST + 1), "=X"]
)
def test_what_can_be_no_symbol_is_refused(text: str) -> None:
    with pytest.raises(InvalidSymbolError, match="is not a symbol"):
        normalise(text)


@given(st.text(max_size=20))
def test_normalising_twice_is_normalising_once(text: str) -> None:
    assert dash_form(dash_form(text)) == dash_form(text)
    try:
        symbol = normalise(text)
    except InvalidSymbolError:
        return
    assert normalise(symbol) == symbol
    assert symbol.isascii()
    assert len(symbol) <= LONGEST
