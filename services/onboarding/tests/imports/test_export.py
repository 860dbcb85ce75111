"""What is exported and imported again is the same."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.imports.export import as_positions, write_csv
from onboarding.imports.files import read_file
from onboarding.imports.findings import Field
from onboarding.imports.lot import SUBTYPES, InvestmentClass, Lot
from onboarding.imports.rows import Row, validate
from onboarding.imports.terms import Terms

TODAY = date(2026, 11, 20)

quantities = st.decimals(min_value="-1e6", max_value="1e6", places=10).filter(bool)
prices = st.decimals(min_value="0.00000001", max_value="99999", places=8)
fees = st.one_of(st.just(Decimal(0)), st.decimals(min_value=0, max_value="9999", places=4))
days = st.dates(min_value=date(1950, 1, 1), max_value=TODAY)


@st.composite
def rows(draw) -> dict[Field, str]:
    """A row that passes the rules, of any class, open or closed."""
    kind = draw(st.sampled_from(InvestmentClass))
    entry = draw(days)
    row = {
        Field.SYMBOL: draw(st.from_regex(r"[A-Z]{1,5}([.-][A-Z])?", fullmatch=True)),
        Field.QUANTITY: f"{draw(quantities):f}",
        Field.ENTRY_PRICE: f"{draw(prices):f}",
        Field.ENTRY_DATE: entry.isoformat(),
        Field.ENTRY_FEE: f"{draw(fees):f}",
        Field.INVESTMENT_CLASS: kind,
        Field.INVESTMENT_SUBTYPE: draw(st.sampled_from(["", *sorted(SUBTYPES[kind])])),
    }
    if kind is InvestmentClass.PRIVATE:
        row[Field.SYMBOL] = draw(st.from_regex(r"[A-Z0-9][A-Z0-9 ._&/()+'-]{0,60}", fullmatch=True))
    if kind is InvestmentClass.OPTIONS:
        row |= {
            Field.UNDERLYING_SYMBOL: "BRK.B",
            Field.STRIKE_PRICE: f"{draw(prices):f}",
            Field.EXPIRATION_DATE: (entry + timedelta(days=draw(st.integers(0, 900)))).isoformat(),
            Field.OPTION_TYPE: draw(st.sampled_from(["CALL", "p"])),
            Field.MULTIPLIER: draw(st.sampled_from(["", "10", "0.5"])),
        }
    if draw(st.booleans()):
        row |= {
            Field.EXIT_DATE: draw(st.dates(min_value=entry, max_value=TODAY)).isoformat(),
            Field.EXIT_FEE: f"{draw(fees):f}",
            Field.EXIT_PRICE: "0" if kind is not InvestmentClass.PUBLIC else f"{draw(prices):f}",
        }
    return row


def lots_of(cells: list[dict[Field, str]]) -> list[Lot]:
    return list(validate([Row(place, row) for place, row in enumerate(cells)], TODAY).lots)


@settings(max_examples=200, deadline=None)
@given(st.lists(rows(), min_size=1, max_size=6))
def test_importing_an_export_is_the_identity(cells):
    lots = lots_of(cells)
    if not lots:
        return
    exported = write_csv(lots)
    found = read_file(exported.encode(), Terms(TODAY), max_rows=100)
    assert list(found.lots) == lots
    assert not found.errors
    assert write_csv(found.lots) == exported
    assert lots_of([{Field(name): text for name, text in row.items()} for row in as_positions(lots)]) == lots


def test_an_export_has_all_columns_and_numbers_in_full():
    small = lots_of(
        [{Field.SYMBOL: "a", Field.QUANTITY: "1e6", Field.ENTRY_PRICE: "1e-8", Field.ENTRY_DATE: "2024-01-02"}]
    )
    assert small[0].entry_price == Decimal("1e-8")
    assert write_csv(small).splitlines() == [
        "Symbol,Quantity,Entry Price Per Share,Entry Date,Investment Class,Investment Subtype,Underlying Symbol,"
        "Strike Price,Expiration Date,Option Type,Exit Date,Exit Price Per Share,Entry Fee,Exit Fee,Multiplier,"
        "Currency",
        "A,1000000,0.00000001,2024-01-02,PUBLIC,,,,,,,,,,1,USD",
    ]
