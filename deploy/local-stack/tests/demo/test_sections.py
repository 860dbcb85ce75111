"""What is told of a portfolio: numbers with their units and errors, nulls with their reasons."""

from collections.abc import Callable
from typing import Any

import pytest

from analytics.book import Book
from analytics.edition import Edition
from local_stack.demo import risk_sections, sections
from local_stack.demo.report import sections_of
from local_stack.demo.section import Section
from local_stack.demo.story import Told, sale_of_the_riskiest
from riskstream_client.analytics_models import Overview, Risk
from yardstick.books import Lot, book_of, edition_of, planted_market

Ask = Callable[..., dict[str, Any]]
Tell = Callable[[Book, Edition], Told]


def row(section: Section, name: str) -> list[str]:
    [found] = [list(row.cells) for row in section.rows if row.cells[0] == name]
    return found


def test_the_shares_of_factors_and_of_specific_risk_make_the_whole(ask: Ask, book: Book, edition: Edition) -> None:
    section = risk_sections.risk_by_factor(ask("risk", book, edition))
    assert len(section.rows) == 9
    assert sum(line.value or 0.0 for line in section.rows) == pytest.approx(1.0)


def test_what_positions_are_not_listed_adds_up_in_one_row(ask: Ask, book: Book, edition: Edition) -> None:
    section = risk_sections.risk_by_position(ask("risk", book, edition, top=1))
    assert [line.cells[0] for line in section.rows][1:] == ["2 others"]
    assert sum(line.value or 0.0 for line in section.rows) == pytest.approx(1.0)


def test_a_forecast_stands_beside_the_planted_volatility_and_says_how_far_off_it_is(
    ask: Ask, book: Book, edition: Edition
) -> None:
    answer = ask("risk", book, edition)
    data = answer["data"]
    planted = data["daily_volatility_usd"] - 2 * data["daily_volatility_usd_standard_error"]
    section = risk_sections.volatility(answer, planted)
    assert row(section, "Daily, USD, planted")[1] == f"{planted:,.2f}"
    assert "±" in row(section, "Daily, USD")[1]
    assert "The forecast is +2.0 of its standard errors from the planted volatility." in section.notes


def test_losses_say_their_method_and_how_sure_they_are(ask: Ask, book: Book, edition: Edition) -> None:
    section = risk_sections.value_at_risk(ask("var", book, edition))
    assert [line.cells[0] for line in section.rows][:2] == ["VaR 95%, historical", "VaR 95%, parametric"]
    assert row(section, "VaR 99%, historical")[2].endswith("no bound]")
    assert row(section, "ES 99%, parametric")[2].startswith("± ")
    assert any("252 sessions" in note for note in section.notes)


def test_the_worst_scenarios_come_first_and_say_how_many_there_are(ask: Ask, book: Book, edition: Edition) -> None:
    answer = ask("stress-test", book, edition)
    section = risk_sections.stress(answer)
    losses = [line.value for line in section.rows]
    every = sorted(outcome["propagated"]["pnl"] for outcome in answer["data"]["outcomes"])
    assert losses == every[: risk_sections.SCENARIOS_SHOWN]
    assert f"the worst of {len(every)} scenarios" in section.title


def test_factors_specific_and_unexplained_make_the_pnl(tell: Tell, book: Book, edition: Edition) -> None:
    section = sections.attribution(tell(book, edition).answers["attribution"])
    *parts, whole = [line.value or 0.0 for line in section.rows]
    assert whole == pytest.approx(-30.0)
    assert sum(parts) == pytest.approx(whole)


def test_a_sale_of_the_riskiest_closes_all_lots_of_what_adds_most(ask: Ask, edition: Edition) -> None:
    book = book_of([Lot("AAA", 50_000.0), Lot("BBB", 1_000.0), Lot("AAA", 40_000.0)], cash=9_000.0)
    risk, overview = ask("risk", book, edition)["data"], ask("overview", book, edition)["data"]
    sale = sale_of_the_riskiest(Risk.model_validate(risk), Overview.model_validate(overview))
    assert sale.model_dump(exclude_unset=True) == {"trades": [{"symbol": "AAA", "quantity": -90_000.0}]}


def test_a_what_if_compares_before_and_after_and_names_the_trade(ask: Ask, edition: Edition) -> None:
    book = book_of([Lot("AAA", 90_000.0, price=100.0), Lot("BBB", 10_000.0, price=100.0)])
    answer = ask("what-if", book, edition, trades=[{"symbol": "AAA", "quantity": -900}])
    section = sections.what_if(answer)
    assert section.title == "What if: sell 900 AAA"
    assert [line.cells[0] for line in section.rows] == list(sections.COMPARED.values())
    _name, change, before, after = row(section, "Daily volatility")
    assert float(after.replace(",", "")) < float(before.replace(",", ""))
    assert change.startswith("-")


def test_without_a_risk_model_there_is_a_reason_and_no_number(ask: Ask, book: Book) -> None:
    edition = edition_of(planted_market(("AAA", "BBB", "CCC")), model_reason="too_few_sessions")
    answer = ask("risk", book, edition)
    section = risk_sections.volatility(answer, None)
    assert row(section, "Daily, USD")[1] == "no risk model"
    assert "No risk model: too few sessions." in section.notes
    assert risk_sections.risk_by_factor(answer).rows == []
    assert risk_sections.risk_by_factor(answer).notes == ["Not known: no risk model."]
    stress = risk_sections.stress(ask("stress-test", book, edition))
    assert (stress.rows, stress.notes[0]) == ([], "Not known: no risk model.")
    assert row(risk_sections.value_at_risk(ask("var", book, edition)), "VaR 95%, parametric")[1] == "no risk model"


ODD_BOOKS = {
    "only cash": book_of([], cash=1_000.0),
    "nav below zero": book_of([Lot("AAA", 100.0)], cash=-5_000.0),
    "nothing priced": book_of([Lot("AAA", 0.0, price_status="unpriced")], cash=10.0),
    "only private": book_of([Lot("HOUSE", 500.0, "PRIVATE")]),
    "all short": book_of([Lot("AAA", -500.0), Lot("BBB", -700.0)], cash=5_000.0),
}


@pytest.mark.parametrize("name", ODD_BOOKS)
def test_an_odd_portfolio_is_told_too_and_no_null_is_shown_as_one(name: str, tell: Tell, edition: Edition) -> None:
    for section in sections_of(tell(ODD_BOOKS[name], edition)):
        assert section.rows or section.notes
        for line in section.rows:
            assert len(line.cells) == len(section.columns)
            assert not {"None", "nan", "inf", ""} & set(line.cells)
