"""Files of the brokers that must be read, from the upload to what Postgres holds: positions and activity of each."""

from pathlib import Path

import pytest

EXPORTS = Path(__file__).parent / "exports"

STORED = {
    "schwab_positions.csv": (
        ["AAPL 120 @ 183", "AAPL 17JAN25 260 C -1 @ 4.1235", "BRK-B -4 @ 440"],
        [],
        ["7 Symbol cusip_unsupported"],
    ),
    "schwab_activity.csv": (
        [
            "AAPL 10 @ 229 + 0.02 -> 248.1 + 0.02",
            "AAPL 5 @ 246.5",
            "AAPL 5 @ 246.5 -> 248.1 + 0.01",
            "SPY 20DEC24 600 P -2 @ 4.1 + 1.32",
        ],
        ["deposit 2500 2024-12-16", "fee -5 2024-12-16"],
        [],
    ),
    "fidelity_positions.csv": (
        ["AAPL 40 @ 150", "MSFT 25 @ 325", "SPY 21MAR25 610 C 3 @ 12"],
        [],
        ["6 Symbol cusip_unsupported"],
    ),
    "fidelity_activity.csv": (
        [
            "MSFT 10 @ 443.1 + 4.95 -> 451.6 + 4.2583",
            "MSFT 2 @ 446.2 -> 451.6 + 0.8517",
            "MSFT 6 @ 446.2",
            "SPY 21MAR25 610 C 1 @ 12.5 + 0.68",
        ],
        ["deposit 1500 2024-12-16"],
        [],
    ),
    "vanguard_positions.csv": (["MSFT 7 @ 447.27", "SPY 31.207 @ 604.21"], [], []),
    "vanguard_activity.csv": (
        ["MSFT 7 @ 446.2 + 7", "SPY 0.0576 @ 607.46", "SPY 15 @ 588.15", "SPY 5 @ 588.15 -> 604.2 + 0.08"],
        ["deposit 750 2024-12-16"],
        [],
    ),
    "interactive_brokers_positions.csv": (
        ["AAPL 25 @ 231.402", "BRK-B -3 @ 461.1", "SPY 21MAR25 610 C 2 @ 12.006573"],
        [],
        ["12 Currency currency_not_usd"],
    ),
    "interactive_brokers_activity.csv": (
        ["AAPL 25 @ 229.1 + 0.8333", "AAPL 5 @ 229.1 + 0.1667 -> 248 + 1.035", "BRK-B -3 @ 461.2 + 1.02"],
        ["deposit 4000 2024-12-16", "fee -4.5 2024-12-16"],
        [],
    ),
    "flex_positions.xml": (
        ["AAPL 20 @ 229.1", "AAPL 5 @ 240.61", "SPY 21MAR25 610 C -2 @ 12.006573"],
        [],
        ["9 currency currency_not_usd"],
    ),
    "flex_activity.csv": (
        ["AAPL 25 @ 229.1 + 0.8333", "AAPL 5 @ 229.1 + 0.1667 -> 248 + 1.0346", "SPY 21MAR25 610 C -2 @ 12.1"],
        ["fee -4.5 2024-12-16", "withdrawal -1250 2024-12-16"],
        ["5 CurrencyPrimary currency_not_usd"],
    ),
}
"""By file: the lots with their fees, the cash flows after the first session (2024-12-13), and the refused rows."""


async def stored(layer) -> tuple[list[str], list[str]]:
    """Lots and cash flows as Postgres has them."""

    def plain(number) -> str:
        return f"{number.normalize():f}"

    lots = []
    for row in await layer.connection.fetch("SELECT * FROM portfolios.positions"):
        fee = f" + {plain(row['entry_fee'])}" if row["entry_fee"] else ""
        text = f"{row['symbol']} {plain(row['quantity'])} @ {plain(row['entry_price'])}{fee}"
        if row["exit_price"] is not None:
            text += f" -> {plain(row['exit_price'])} + {plain(row['exit_fee'])}"
        lots.append(text)
    rows = await layer.connection.fetch("SELECT * FROM portfolios.cash_flows")
    return sorted(lots), sorted(f"{row['kind']} {plain(row['amount'])} {row['flow_date']}" for row in rows)


@pytest.mark.parametrize("name", STORED)
async def test_a_brokers_file_is_stored_as_it_says(name, api, layer):
    lots, flows, refused = STORED[name]
    content, media = (EXPORTS / name).read_bytes(), {"Content-Type": "text/csv"}
    if name.endswith(".xml"):
        media = {"Content-Type": "application/xml"}
    dry = (await api.upload(content, headers=media, mode="accept_valid", dry_run="true")).json()
    assert sum((await layer.counts()).values()) == 0
    answer = await api.upload(content, headers=media, mode="accept_valid")
    report = answer.json()["report"]
    assert (answer.status_code, dry["would_be_stored"], dry["report"]) == (201, True, report)
    assert [f"{error['row']} {error['column']} {error['code']}" for error in report["errors"]] == refused
    assert await stored(layer) == (lots, flows)
    assert (report["positions"], report["flows"]) == (len(lots), len(flows))
    assert report["accepted"] + report["rejected"] == report["rows"]
    if refused:
        whole = await api.upload(content, headers=media | {"Idempotency-Key": "whole"})
        assert (whole.status_code, whole.json()["errors"]) == (422, report["errors"])


async def test_what_came_and_went_up_to_the_first_session_is_in_the_equity(api, layer):
    content = (EXPORTS / "schwab_activity.csv").read_bytes()
    report = (await api.upload(content)).json()["report"]
    assert [(w["row"], w["code"], w["value"]) for w in report["warnings"] if "first_session" in w["code"]] == [
        (8, "flows_before_first_session", "1")
    ]
    earlier = await api.upload(content, first_session="2024-12-11", headers={"Idempotency-Key": "earlier"})
    assert earlier.json()["report"]["flows"] == 2
    await layer.connection.execute("TRUNCATE portfolios.portfolios CASCADE")
    later = content.replace(b"12/02/2024", b"12/12/2024")
    assert (await api.upload(later, first_session="2024-12-11")).json()["report"]["flows"] == 3
    same_day = await api.upload(later, first_session="2024-12-12", headers={"Idempotency-Key": "same-day"})
    assert same_day.json()["report"]["flows"] == 2, "a flow of the first session itself is in its equity"


async def test_a_first_session_that_is_none_is_refused_in_a_dry_run_of_flows_too(api, layer):
    content = (EXPORTS / "schwab_activity.csv").read_bytes()
    for dry_run in ("true", "false"):
        answer = await api.upload(content, first_session="2024-12-14", dry_run=dry_run)
        assert (answer.status_code, answer.json()["code"]) == (422, "first_session_invalid")
    assert sum((await layer.counts()).values()) == 0
