"""A file into a portfolio that there is: one version, nothing twice, the same report as where one is created."""

import asyncio

import pytest

FILE = "Symbol,Quantity,Entry Price Per Share,Entry Date\nAAPL,10,240,2024-12-12\nNVDA,5,130,2024-12-13\n"
WRONG = FILE + "?,1,1,2024-12-13\n"
FLOWS = """\
Date,Action,Symbol,Description,Quantity,Price,Fees & Comm,Amount
12/16/2024,MoneyLink Transfer,,IN,,,,"$1,000.00"
12/16/2024,MoneyLink Transfer,,OUT,,,,"-$250.00"
12/11/2024,MoneyLink Transfer,,IN,,,,$50.00
12/12/2024,Buy,AAPL,APPLE,10,$235.00,,
"""
TOO_MUCH = """\
Date,Action,Symbol,Description,Quantity,Price,Fees & Comm,Amount
12/16/2024,MoneyLink Transfer,,IN,,,,"$1,000.00"
12/16/2024,MoneyLink Transfer,,OUT,,,,"-$2,000.01"
12/12/2024,Buy,AAPL,APPLE,10,$235.00,,
"""
ONLY_OUT = """\
Date,Action,Symbol,Description,Quantity,Price,Fees & Comm,Amount
12/16/2024,MoneyLink Transfer,,OUT,,,,-$600.00
12/12/2024,Buy,{symbol},,10,$235.00,,
"""


@pytest.fixture
async def address(api) -> str:
    created = await api.create(
        {"name": "Mine", "positions": [], "declared_equity": "100000", "first_session": "2024-12-11"}
    )
    return created.headers["location"]


@pytest.fixture
def send(api, address):
    async def send(file: str, owner: str = "ada", path: str = address, headers=None, **query: str):
        sent = api.as_owner(owner) | {"Content-Type": "text/csv"} | (headers or {})
        return await api.client.post(f"{path}/import", content=file, params=query, headers=sent)

    return send


async def test_a_file_adds_its_lots_in_one_version_that_is_logged_and_said(api, layer, address, send):
    answer = await send(FILE, headers={"X-Request-ID": "r1"})
    assert (answer.status_code, answer.headers["etag"]) == (201, '"2"')
    body = answer.json()
    assert (body["version"], body["first_affected_session"], body["report"]["positions"]) == (2, "2024-12-12", 2)
    lots = (await api.get(f"{address}/lots")).json()["lots"]
    assert {(lot["symbol"], lot["created_version"]) for lot in lots} == {("AAPL", 2), ("NVDA", 2)}
    change = (await api.get(f"{address}/changes")).json()["changes"][0]
    assert (change["version"], change["action"], change["request_id"]) == (2, "portfolio.import", "r1")
    assert [lot["symbol"] for lot in change["after"]] == ["AAPL", "NVDA"]
    said = (await layer.outbox())[1:]
    assert [kind.split(".")[-2] for kind, _, _ in said] == ["changed", "requested"]


async def test_the_same_file_again_adds_nothing_until_a_key_says_so(api, layer, address, send):
    first = await send(FILE)
    stored = await layer.counts()
    again = await send(FILE)
    assert (first.status_code, again.status_code, again.json()["version"]) == (201, 200, 2)
    assert await layer.counts() == stored
    keyed = [await send(FILE, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert [(answer.status_code, answer.json()["version"]) for answer in keyed] == [(201, 3), (200, 3)]
    assert (await send(FLOWS, headers={"Idempotency-Key": "k"})).status_code == 409
    other = await api.create({"name": "Other", "positions": [], "declared_equity": "1"})
    assert (await send(FILE, path=other.headers["location"])).status_code == 201


async def test_a_dry_run_says_what_the_import_would_and_stores_nothing(layer, send):
    stored = await layer.counts()
    dry, refused = await send(WRONG, dry_run="true"), await send(WRONG)
    assert (dry.status_code, dry.json()["would_be_stored"], refused.status_code) == (200, False, 422)
    assert dry.json()["report"]["errors"] == refused.json()["errors"]
    assert await layer.counts() == stored
    partly = await send(WRONG, mode="accept_valid")
    assert (partly.status_code, partly.json()["report"]["positions"], partly.json()["report"]["rejected"]) == (
        201,
        2,
        1,
    )


async def test_flows_after_the_first_session_are_added_and_earlier_ones_left_out(api, address, send):
    answer = await send(FLOWS)
    assert (answer.status_code, answer.json()["report"]["flows"]) == (201, 2), answer.text
    assert "flows_before_first_session" in {warning["code"] for warning in answer.json()["report"]["warnings"]}
    flows = (await api.get(f"{address}/cash-flows")).json()["cash_flows"]
    assert {(flow["kind"], float(flow["amount"])) for flow in flows} == {("deposit", 1000.0), ("withdrawal", 250.0)}


class TestWithdrawals:
    """A file's withdrawals are at most what the portfolio is worth, each beside all other flows."""

    @pytest.fixture(autouse=True)
    async def worth(self, layer, address):
        """The portfolio was worth 1,000 USD on Friday; a deposit of 1,000 comes with each file on Monday."""
        await layer.worth(address.rsplit("/", 1)[1], 1_000)

    async def test_one_of_more_than_that_is_refused_by_its_row(self, layer, send):
        stored = await layer.counts()
        answer = await send(TOO_MUCH)
        assert (answer.status_code, answer.json()["code"]) == (422, "rows_invalid")
        assert answer.json()["errors"] == [
            {
                "row": 3,
                "column": "Amount",
                "code": "withdrawal_exceeds_nav",
                "message": "The portfolio was worth 1000 USD on 2024-12-13, and with the flows since it has 2000 USD.",
                "value": "-$2,000.01",
                "mend": "Write a smaller amount; a loss of the account's is a fee.",
            }
        ]
        assert await layer.counts() == stored

    async def test_all_of_it_may_be_taken_out(self, send):
        answer = await send(TOO_MUCH.replace("2,000.01", "2,000.00"))
        assert (answer.status_code, answer.json()["report"]["flows"]) == (201, 2)

    async def test_the_valid_rows_are_stored_without_it_and_sent_again_the_report_is_of_the_same_row(
        self, api, address, send
    ):
        first, again = [await send(TOO_MUCH, mode="accept_valid") for _ in range(2)]
        assert (first.status_code, again.status_code) == (201, 200)
        report = first.json()["report"]
        assert (report["rows"], report["accepted"], report["rejected"], report["flows"]) == (3, 2, 1, 1)
        flows = (await api.get(f"{address}/cash-flows")).json()["cash_flows"]
        assert [(flow["kind"], float(flow["amount"])) for flow in flows] == [("deposit", 1000.0)]
        [was], [now] = report["errors"], again.json()["report"]["errors"]
        assert was | {"message": ""} == now | {"message": ""}
        assert again.json()["report"] | {"errors": []} == report | {"errors": []}

    async def test_of_two_files_at_once_that_are_too_much_together_one_is_refused(self, send):
        answers = await asyncio.gather(*(send(ONLY_OUT.format(symbol=symbol)) for symbol in ("AAPL", "MSFT")))
        assert sorted(answer.status_code for answer in answers) == [201, 422]


async def test_versions_owners_terms_and_types_are_held_to(api, layer, address, send):
    stored = await layer.counts()
    assert (await send(FILE, headers={"If-Match": '"9"'})).status_code == 412
    assert (await send(FILE, owner="bob")).status_code == 404
    assert (await send(FILE, name="Mine")).json()["errors"][0]["code"] == "field_unknown"
    assert (await send(FILE, headers={"Content-Type": "application/json"})).status_code == 415
    assert (await send("")).status_code == 422
    assert await layer.counts() == stored
    assert (await send(FILE, headers={"If-Match": '"1"'})).status_code == 201


async def test_a_full_queue_of_symbols_stores_nothing(make_api, layer):
    api = await make_api(pending_symbols_hard_limit=1)
    await layer.request("TSLA", "queued")
    created = await api.create({"name": "Mine", "positions": [], "declared_equity": "1"})
    stored = await layer.counts()
    sent = api.as_owner("ada") | {"Content-Type": "text/csv"}
    answer = await api.client.post(f"{created.headers['location']}/import", content=FILE, headers=sent)
    assert (answer.status_code, answer.json()["code"]) == (503, "symbol_queue_full")
    assert await layer.counts() == stored


async def test_what_is_said_beside_a_file_is_documented_with_examples(api):
    operation = (await api.client.get("/openapi.json")).json()["paths"]["/portfolios/{portfolio_id}/import"]["post"]
    query = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "query"}
    assert query == {"mode", "dry_run", "file_date", "isins"}
    assert {"If-Match", "Idempotency-Key"} <= {parameter["name"] for parameter in operation["parameters"]}
    assert operation["responses"]["201"]["content"]["application/json"]["example"]["report"]["dialect"] == "schwab"
    assert set(operation["responses"]) >= {"200", "201", "400", "404", "409", "412", "413", "415", "422", "503"}
