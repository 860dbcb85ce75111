"""What the Python client brings in, edits and deletes, at an onboarding that really runs."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from contract import standing
from contract.asked import Asked
from riskstream_client import Portfolios, PortfolioStatus, ProblemReceived
from riskstream_client.onboarding_bodies import NewLot, NewPosition

DAY = date(2024, 12, 13)
HEADER = "Symbol,Quantity,Entry Price Per Share,Entry Date\n"


def lot(symbol: str = "KO", quantity: str = "10") -> NewPosition:
    return NewPosition(symbol=symbol, quantity=quantity, entry_price=Decimal("50.01"), entry_date=DAY)


@pytest.fixture
def mine(portfolios: Portfolios) -> Iterator[UUID]:
    """A portfolio of one lot, since three sessions."""
    created = portfolios.create_portfolio("Mine", [lot()], first_session=date(2024, 12, 12), declared_equity=100_000)
    yield created.portfolio_id
    portfolios.delete_portfolio(created.portfolio_id, version="*")


def test_a_portfolio_is_brought_in_watched_and_deleted(portfolios: Portfolios) -> None:
    created = portfolios.create_portfolio("Mine", [lot()], declared_equity="1000", idempotency_key="once")
    again = portfolios.create_portfolio("Mine", [lot()], declared_equity="1000", idempotency_key="once")
    assert again.portfolio_id == created.portfolio_id
    with pytest.raises(ProblemReceived) as other:
        portfolios.create_portfolio("Another", [lot()], idempotency_key="once")
    assert other.value.code == "idempotency_key_reused"
    listed = {item.portfolio_id for item in portfolios.list_portfolios(limit=500).portfolios}
    assert created.portfolio_id in listed
    assert portfolios.read_portfolio(created.portfolio_id).name == "Mine"
    assert portfolios.read_status(created.portfolio_id).version == 1
    first = next(portfolios.follow_progress(created.portfolio_id))
    assert isinstance(first, PortfolioStatus)
    assert first.status == "pending"
    portfolios.delete_portfolio(created.portfolio_id, version=1)
    with pytest.raises(ProblemReceived) as missing:
        portfolios.read_portfolio(created.portfolio_id)
    assert missing.value.code == "no_such_portfolio"


def test_lots_are_added_once_changed_closed_opened_again_and_taken_away(portfolios: Portfolios, mine: UUID) -> None:
    more = [NewLot(symbol="BRK.B", quantity=3, entry_price="410", entry_date=DAY)]
    added = portfolios.add_lots(mine, more, version=1, idempotency_key="more")
    assert portfolios.add_lots(mine, more, version=1, idempotency_key="more").lots == added.lots
    assert (added.version, [one.symbol for one in added.lots]) == (2, ["BRK-B"])
    found = portfolios.list_lots(mine, symbol="brk.b", state="open").lots
    assert [one.position_id for one in found] == [added.lots[0].position_id]

    brk = added.lots[0]
    changed = portfolios.edit_lot(mine, brk.position_id, {"entry_fee": "1.5"}, version=brk.changed_version).lot
    assert Decimal(changed.entry_fee) == Decimal("1.5")
    closed = portfolios.close_lot(
        mine,
        brk.position_id,
        {"exit_date": standing.LAST, "exit_price": Decimal("420.5"), "quantity": "1"},
        version=changed.changed_version,
        idempotency_key="sold",
    )
    assert closed.remaining is not None
    assert (Decimal(closed.closed.quantity), Decimal(closed.remaining.quantity)) == (1, 2)
    sold = closed.closed
    opened = portfolios.edit_lot(mine, sold.position_id, {"exit_date": None}, version=sold.changed_version).lot
    assert (opened.exit_date, opened.exit_price) == (None, None)
    gone = portfolios.delete_lot(mine, sold.position_id, version=opened.changed_version)
    assert gone.version == 6
    assert portfolios.list_lots(mine, symbol="BRK-B", state="closed").lots == []
    with pytest.raises(ProblemReceived) as missing:
        portfolios.read_lot(mine, sold.position_id)
    assert missing.value.status == 404


def test_who_comes_too_late_is_told_the_present_version(portfolios: Portfolios, mine: UUID) -> None:
    held = portfolios.list_lots(mine).lots[0]
    now = portfolios.edit_lot(mine, held.position_id, {"quantity": "11"}, version=held.changed_version).lot
    with pytest.raises(ProblemReceived) as late:
        portfolios.edit_lot(mine, held.position_id, {"quantity": "12"}, version=held.changed_version)
    assert (late.value.status, late.value.version) == (412, now.changed_version)
    assert Decimal(portfolios.read_lot(mine, held.position_id).quantity) == 11
    portfolios.edit_lot(mine, held.position_id, {"quantity": "12"}, version=late.value.version)
    overwritten = portfolios.edit_lot(mine, held.position_id, {"quantity": "13"}, version="*").lot
    assert Decimal(overwritten.quantity) == 13


def test_all_that_is_wrong_with_lots_is_told_at_once(portfolios: Portfolios, mine: UUID) -> None:
    wrong = NewLot(symbol="KO", quantity="0", entry_price="-1", entry_date=date(2034, 1, 2))
    with pytest.raises(ProblemReceived) as refused:
        portfolios.add_lots(mine, [wrong])
    assert refused.value.status == 422
    assert {error["field"] for error in refused.value.errors} == {"quantity", "entry_price", "entry_date"}
    assert refused.value.version is None
    assert portfolios.read_portfolio(mine).version == 1


def test_cash_flows_are_added_once_changed_and_taken_away(portfolios: Portfolios, mine: UUID) -> None:
    made = [
        portfolios.add_cash_flow(
            mine, {"kind": "deposit", "amount": "2500.10", "date": DAY, "note": "Salary"}, idempotency_key="salary"
        )
        for _ in range(2)
    ]
    flow = made[0].cash_flow
    assert made[1].cash_flow == flow
    changed = portfolios.edit_cash_flow(mine, flow.flow_id, {"amount": "2600"}, version=flow.changed_version).cash_flow
    assert (Decimal(changed.amount), changed.note) == (2600, "Salary")
    assert portfolios.list_cash_flows(mine, kind="fee").cash_flows == []
    assert portfolios.list_cash_flows(mine, kind="deposit").cash_flows == [changed]
    assert portfolios.read_cash_flow(mine, flow.flow_id) == changed
    portfolios.delete_cash_flow(mine, flow.flow_id, version=changed.changed_version)
    assert portfolios.list_cash_flows(mine).cash_flows == []


def test_a_private_holding_is_priced_by_hand(portfolios: Portfolios, mine: UUID) -> None:
    cabin = NewLot(symbol="CABIN", quantity=1, entry_price="250000", entry_date=DAY, investment_class="PRIVATE")
    held = portfolios.add_lots(mine, [cabin]).lots[0].position_id
    first = portfolios.put_price(mine, held, DAY, "251000.50", version=None).price
    with pytest.raises(ProblemReceived) as there_is_one:
        portfolios.put_price(mine, held, DAY, 1, version=None)
    assert there_is_one.value.status == 412
    second = portfolios.put_price(mine, held, DAY, Decimal("2.52E+5"), version=first.changed_version).price
    assert Decimal(second.price) == 252_000
    assert portfolios.read_price(mine, held, DAY) == second
    assert portfolios.list_prices(mine, held).prices == [second]
    portfolios.delete_price(mine, held, DAY, version=second.changed_version)
    assert portfolios.list_prices(mine, held).prices == []


def test_what_was_done_is_told_and_the_whole_ledger_is_a_file(portfolios: Portfolios, mine: UUID) -> None:
    renamed = portfolios.describe_portfolio(mine, {"name": "Ours", "declared_equity": None}, version=1)
    assert (renamed.name, renamed.declared_equity, renamed.version) == ("Ours", None, 2)
    changes = portfolios.list_changes(mine).changes
    assert [change.version for change in changes] == [2, 1]
    assert portfolios.list_changes(mine, after=2, limit=1).changes == changes[1:]
    whole = json.loads(portfolios.export_portfolio(mine, file_format="json"))
    assert (whole["name"], whole["positions"][0]["symbol"]) == ("Ours", "KO")
    assert portfolios.export_portfolio(mine).decode().splitlines()[0].startswith(HEADER.strip())


def test_a_file_is_tried_imported_and_added_to_a_portfolio(portfolios: Portfolios, mine: UUID, tmp_path: Path) -> None:
    file = tmp_path / "lots.csv"
    file.write_text(f"{HEADER}KO,2,50,2024-12-13\n")
    trial = portfolios.try_import_portfolio("From a file", file, mode="accept_valid")
    assert (trial.would_be_stored, trial.report.accepted) == (True, 1)
    imported = portfolios.import_portfolio("From a file", file)
    assert (imported.name, imported.report.dialect) == ("From a file", "riskstream")
    with pytest.raises(ProblemReceived) as refused:
        portfolios.import_portfolio("From a bad file", f"{HEADER}KO,x,50,2024-12-13\n".encode())
    assert refused.value.errors[0]["column"] == "Quantity"

    assert portfolios.try_import_into_portfolio(mine, file, version=1).report.positions == 1
    added = portfolios.import_into_portfolio(mine, file, version=1)
    assert portfolios.import_into_portfolio(mine, file).version == added.version == 2
    assert len(portfolios.list_lots(mine, limit=10).lots) == 2
    portfolios.delete_portfolio(imported.portfolio_id, version=imported.version)


def test_how_a_file_is_to_be_read_arrives(portfolios: Portfolios) -> None:
    positions = b"Account Number,Investment Name,Symbol,Shares,Share Price,Total Value\n1,Coca-Cola,KO,2,50,100\n"
    imported = portfolios.import_portfolio("A broker's", positions, file_date=DAY, declared_equity=Decimal("1E+3"))
    lots = portfolios.list_lots(imported.portfolio_id).lots
    assert [(one.symbol, one.entry_date) for one in lots] == [("KO", DAY)]
    assert Decimal(imported.declared_equity or 0) == 1_000
    portfolios.delete_portfolio(imported.portfolio_id, version="*")
    with pytest.raises(ProblemReceived) as refused:
        portfolios.try_import_portfolio("A broker's", positions, isins={"no ISIN": "KO"})
    assert [error["field"] for error in refused.value.errors] == ["isins"]


def test_nobody_reaches_anothers_ledger(asked: Asked, portfolios: Portfolios, mine: UUID) -> None:
    held = portfolios.list_lots(mine).lots[0]
    with Portfolios(asked.onboarding.url, asked.issuer.token("mallory")) as stranger:
        for attempt in (
            lambda: stranger.read_portfolio(mine),
            lambda: stranger.list_lots(mine),
            lambda: stranger.delete_lot(mine, held.position_id, version="*"),
            lambda: stranger.export_portfolio(mine),
            lambda: stranger.delete_portfolio(mine, version="*"),
        ):
            with pytest.raises(ProblemReceived) as refused:
                attempt()
            assert refused.value.status == 404
    assert portfolios.read_lot(mine, held.position_id) == held


@pytest.mark.parametrize("lot_id", ["..", ".", ""])
def test_what_is_no_id_is_no_way_to_something_else(portfolios: Portfolios, mine: UUID, lot_id: str) -> None:
    with pytest.raises(ValueError, match="is no part of an address"):
        portfolios.delete_lot(mine, lot_id, version="*")
    with pytest.raises(ProblemReceived) as unknown:
        portfolios.delete_lot(f"{mine}?x=", uuid4(), version="*")
    assert unknown.value.status in {404, 422}
    assert portfolios.read_portfolio(mine).version == 1
