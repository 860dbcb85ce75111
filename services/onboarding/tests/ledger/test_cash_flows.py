"""Deposits, withdrawals and fees."""

from datetime import date
from decimal import Decimal

import pytest


@pytest.fixture
def worth(layer):
    """Gives a portfolio a snapshot, of its first version unless another is named."""

    async def give(portfolio, nav: int, **more) -> None:
        await layer.worth(portfolio.id, nav, owner=portfolio.owner, **more)

    return give


async def test_each_kind_is_a_positive_amount_outside_and_counts_its_way_inside(portfolio, layer):
    for kind in ("deposit", "withdrawal", "fee"):
        answer = await portfolio.flow("12.5", kind, note="Salary")
        flow = answer.json()["cash_flow"]
        assert (answer.status_code, flow["kind"], Decimal(flow["amount"])) == (201, kind, Decimal("12.5"))
        assert (flow["counts_on"], flow["note"]) == ("2024-12-16", "Salary")
    stored = await layer.connection.fetch("SELECT kind, amount FROM portfolios.cash_flows")
    assert {(row["kind"], row["amount"]) for row in stored} == {
        ("deposit", Decimal("12.5")),
        ("withdrawal", Decimal("-12.5")),
        ("fee", Decimal("-12.5")),
    }


async def test_on_a_weekend_it_counts_on_the_next_session(portfolio):
    body = (await portfolio.flow(date="2024-12-14")).json()
    assert (body["cash_flow"]["date"], body["cash_flow"]["counts_on"]) == ("2024-12-14", "2024-12-16")
    assert body["first_affected_session"] == "2024-12-16"


async def test_all_that_is_wrong_is_said_at_once(portfolio):
    for fields, found in (
        (
            {"amount": "0", "kind": "gift", "date": "2034-01-01", "currency": "EUR", "note": 5},
            {
                ("amount", "amount_not_positive"),
                ("kind", "kind_invalid"),
                ("date", "date_in_future"),
                ("currency", "currency_not_usd"),
            },
        ),
        ({"amount": "-5"}, {("amount", "amount_not_positive")}),
        ({"amount": "1e15"}, {("amount", "amount_out_of_range")}),
        ({"amount": "NaN"}, {("amount", "amount_not_a_number")}),
        ({"amount": None, "date": None}, {("amount", "amount_missing"), ("date", "date_missing")}),
        ({"date": "1901-01-01"}, {("date", "date_too_old")}),
        ({"date": "16.12.2024"}, {("date", "date_not_iso")}),
        ({"note": "a\nb"}, {("note", "note_invalid")}),
        ({"sum": "1"}, {("sum", "field_unknown")}),
        ({"date": "2024-12-12"}, {("date", "flow_before_first_session")}),
        ({"date": "2024-12-11"}, {("date", "flow_before_first_session")}),
    ):
        found_codes = portfolio.codes(await portfolio.flow(**fields))
        assert found <= found_codes, fields
    assert await portfolio.version() == 1


class TestWithdrawals:
    async def test_more_than_the_portfolio_was_worth_is_refused_naming_nav_and_session(self, portfolio, worth):
        await worth(portfolio, 1000)
        answer = await portfolio.flow("1000.01", "withdrawal")
        assert portfolio.codes(answer) == {("amount", "withdrawal_exceeds_nav")}
        assert "1000 USD on 2024-12-13" in answer.json()["detail"]
        assert (await portfolio.flow("1000", "withdrawal")).status_code == 201

    async def test_flows_since_the_snapshot_count_too(self, portfolio, worth):
        await worth(portfolio, 1000)
        assert (await portfolio.flow("500", "deposit")).status_code == 201
        assert (await portfolio.flow("1200", "withdrawal")).status_code == 201
        assert (await portfolio.flow("301", "withdrawal")).status_code == 422

    async def test_flows_that_no_fold_has_taken_yet_count_on_a_session_that_has_a_snapshot(self, portfolio, worth):
        await worth(portfolio, 1000, session=date(2024, 12, 16))
        assert (await portfolio.flow("600", "withdrawal")).status_code == 201
        assert (await portfolio.flow("600", "withdrawal")).status_code == 422
        assert (await portfolio.flow("200", "deposit")).status_code == 201
        assert (await portfolio.flow("600", "withdrawal")).status_code == 201

    async def test_what_is_changed_does_not_count_against_itself(self, portfolio, worth):
        await worth(portfolio, 1000)
        flow = (await portfolio.flow("800", "withdrawal")).json()["cash_flow"]
        path = f"/cash-flows/{flow['flow_id']}"
        assert (await portfolio.ask("PATCH", path, {"amount": "1001"}, tag="*")).status_code == 422
        assert (await portfolio.ask("PATCH", path, {"amount": "1000"}, tag="*")).status_code == 200

    async def test_a_deposit_that_was_folded_and_made_smaller_counts_at_what_it_is_now(self, portfolio, worth):
        path = f"/cash-flows/{(await portfolio.flow('500', date='2024-12-13')).json()['cash_flow']['flow_id']}"
        await worth(portfolio, 1500, version=2)
        assert (await portfolio.ask("PATCH", path, {"amount": "200"}, tag=2)).status_code == 200
        refused = await portfolio.flow("1200.01", "withdrawal")
        assert portfolio.codes(refused) == {("amount", "withdrawal_exceeds_nav")}
        assert "it has 1200 USD" in refused.json()["detail"]
        assert (await portfolio.flow("1200", "withdrawal")).status_code == 201

    async def test_a_deposit_that_was_folded_and_taken_away_does_not_count(self, portfolio, worth):
        path = f"/cash-flows/{(await portfolio.flow('500', date='2024-12-13')).json()['cash_flow']['flow_id']}"
        await worth(portfolio, 1500, version=2)
        assert (await portfolio.ask("DELETE", path, tag=2)).status_code == 200
        assert (await portfolio.flow("1000.01", "withdrawal")).status_code == 422
        assert (await portfolio.flow("1000", "withdrawal")).status_code == 201

    async def test_a_deposit_that_was_folded_and_raised_counts_at_what_it_is_now(self, portfolio, worth):
        path = f"/cash-flows/{(await portfolio.flow('500', date='2024-12-13')).json()['cash_flow']['flow_id']}"
        await worth(portfolio, 1500, version=2)
        assert (await portfolio.flow("1600", "withdrawal")).status_code == 422
        assert (await portfolio.ask("PATCH", path, {"amount": "600"}, tag=2)).status_code == 200
        assert (await portfolio.flow("1600", "withdrawal")).status_code == 201
        assert (await portfolio.flow("0.01", "withdrawal")).status_code == 422

    async def test_a_deposit_that_no_fold_has_taken_counts_as_it_was_last(self, portfolio, worth):
        await worth(portfolio, 1000, session=date(2024, 12, 16))
        path = f"/cash-flows/{(await portfolio.flow('500')).json()['cash_flow']['flow_id']}"
        assert (await portfolio.ask("PATCH", path, {"amount": "100"}, tag=2)).status_code == 200
        assert (await portfolio.flow("1101", "withdrawal")).status_code == 422
        assert (await portfolio.ask("DELETE", path, tag=3)).status_code == 200
        assert (await portfolio.flow("1001", "withdrawal")).status_code == 422
        assert (await portfolio.flow("1000", "withdrawal")).status_code == 201

    async def test_what_is_moved_behind_the_withdrawal_or_made_a_fee_does_not_count(self, portfolio, worth):
        path = f"/cash-flows/{(await portfolio.flow('500', date='2024-12-13')).json()['cash_flow']['flow_id']}"
        await worth(portfolio, 1500, version=2)
        assert (await portfolio.ask("PATCH", path, {"date": "2024-12-16"}, tag=2)).status_code == 200
        assert (await portfolio.flow("1001", "withdrawal", date="2024-12-13")).status_code == 422
        assert (await portfolio.flow("1000", "withdrawal", date="2024-12-13")).status_code == 201
        assert (await portfolio.ask("PATCH", path, {"kind": "fee"}, tag=3)).status_code == 200
        assert (await portfolio.flow("0.01", "withdrawal")).status_code == 422

    async def test_where_nothing_is_known_it_is_taken(self, portfolio):
        assert (await portfolio.flow("1e9", "withdrawal")).status_code == 201


async def test_a_change_counts_from_the_earlier_of_both_days(portfolio):
    flow = (await portfolio.flow(date="2024-12-13")).json()["cash_flow"]
    path = f"/cash-flows/{flow['flow_id']}"
    answer = await portfolio.ask("PATCH", path, {"date": "2024-12-16", "kind": "fee"}, tag=2)
    assert (answer.status_code, answer.json()["first_affected_session"]) == (200, "2024-12-13")
    assert (answer.json()["cash_flow"]["kind"], answer.headers["etag"]) == ("fee", '"3"')
    assert (await portfolio.ask("PATCH", path, {"amount": "1"}, tag=2)).status_code == 412
    assert portfolio.codes(await portfolio.ask("PATCH", path, {}, tag=3)) == {("cash_flow", "nothing_to_change")}


async def test_a_deleted_one_is_gone_and_the_log_keeps_it(portfolio):
    flow = (await portfolio.flow()).json()["cash_flow"]
    path = f"/cash-flows/{flow['flow_id']}"
    assert (await portfolio.ask("DELETE", path, tag=2)).json()["version"] == 3
    assert (await portfolio.ask("GET", path)).json()["code"] == "no_such_cash_flow"
    assert (await portfolio.ask("GET", "/cash-flows")).json() == {"cash_flows": [], "next": None}
    assert (await portfolio.changes())[0]["before"][0]["amount"] == "500"


async def test_pages_are_filtered_by_kind(portfolio):
    for kind in ("deposit", "deposit", "deposit", "fee"):
        await portfolio.flow(kind=kind)
    seen, address = [], f"{portfolio.path}/cash-flows?kind=deposit&limit=2"
    while address:
        page = (await portfolio.api.get(address)).json()
        seen += page["cash_flows"]
        address = page["next"]
    assert [flow["kind"] for flow in seen] == ["deposit"] * 3
    path = f"/cash-flows/{seen[0]['flow_id']}"
    answer = await portfolio.ask("GET", path)
    assert (await portfolio.ask("GET", path, **{"If-None-Match": answer.headers["etag"]})).status_code == 304
