"""Importing a file over HTTP: reports, dry runs, partial acceptance, the same file twice, limits."""

import asyncio
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

HEADER = "Symbol,Quantity,Entry Price Per Share,Entry Date,Investment Class,Exit Date,Exit Price Per Share,Currency"
GOOD = "AAPL,100,$185.50,2024-01-16"
FILE = f"# mine\n{HEADER}\n{GOOD}\nbrk.b,(20),410,2024-05-01\nSNDK,5,40,2024-12-12\n"
BAD_ROWS = [
    (",1,2,2024-01-02", "Symbol", "symbol_missing", ""),
    ("=cmd|' /C calc'!A0,1,2,2024-01-02", "Symbol", "symbol_too_long", "=cmd|' /C calc'!A0"),
    ("AAPL,0,2,2024-01-02", "Quantity", "quantity_zero", "0"),
    ("AAPL,ten,2,2024-01-02", "Quantity", "quantity_not_a_number", "ten"),
    ("AAPL,1,-2,2024-01-02", "Entry Price Per Share", "price_not_positive", "-2"),
    ("AAPL,1,NaN,2024-01-02", "Entry Price Per Share", "price_not_a_number", "NaN"),
    ("AAPL,1,2,01/02/2024", "Entry Date", "date_not_iso", "01/02/2024"),
    ("AAPL,1,2,2099-01-02", "Entry Date", "date_in_future", "2099-01-02"),
    ("AAPL,1,2,1900-01-02", "Entry Date", "date_too_old", "1900-01-02"),
    ("AAPL,1,2,2024-01-02,STONKS", "Investment Class", "class_invalid", "STONKS"),
    ("AAPL,1,2,2024-01-02,,2023-01-02,3", "Exit Date", "exit_before_entry", "2023-01-02"),
    ("AAPL,1,2,2024-01-02,,,,EUR", "Currency", "currency_not_usd", "EUR"),
    ('AAPL,"1,2,2024-01-02', None, "quoting_broken", 'AAPL,"1,2,2024-01-02'),
]
MIXED = "\n".join([HEADER, GOOD, *(row for row, *_ in BAD_ROWS), GOOD])


async def test_a_file_becomes_a_portfolio_with_its_events(api, layer):
    answer = await api.upload(FILE, declared_equity="$50,000.00")
    assert answer.status_code == 201
    imported = answer.json()
    assert imported["pending_symbols"] == ["SNDK"]
    assert imported["declared_equity"] == "50000.0000"
    assert imported["report"] == {
        "dialect": "riskstream",
        "left_out": 0,
        "positions": 3,
        "flows": 0,
        "rows": 3,
        "accepted": 3,
        "rejected": 0,
        "errors": [],
        "warnings": [],
        "errors_count": 0,
        "warnings_count": 0,
    }
    found = (await api.get(answer.headers["location"])).json()
    assert [(p["symbol"], p["quantity"]) for p in found["positions"]] == [
        ("AAPL", "100.0000000000"),
        ("BRK-B", "-20.0000000000"),
        ("SNDK", "5.0000000000"),
    ]
    assert [kind for kind, _, _ in await layer.outbox()] == ["portfolio.changed.v1", "symbol.requested.v1"]


async def test_a_form_with_a_file_is_the_same_import(api, layer):
    answer = await api.client.post(
        "/portfolios/import",
        files={"file": ("mine.csv", FILE.encode(), "text/csv")},
        data={"name": "Форма", "mode": "all_or_nothing"},
        headers=api.as_owner("ada"),
    )
    assert (answer.status_code, answer.json()["name"]) == (201, "Форма")
    assert await layer.count("positions") == 3


async def test_thirteen_kinds_of_errors_come_back_at_once_and_nothing_is_stored(api, layer):
    answer = await api.upload(MIXED)
    assert (answer.status_code, answer.json()["code"]) == (422, "rows_invalid")
    assert answer.headers["content-type"] == "application/problem+json"
    found = [(error["row"], error["column"], error["code"], error["value"]) for error in answer.json()["errors"]]
    assert found == [(row, *rest) for row, (_, *rest) in enumerate(BAD_ROWS, start=3)]
    assert all(error["message"] for error in answer.json()["errors"])
    assert sum((await layer.counts()).values()) == 0


async def test_a_dry_run_reports_the_same_and_stores_nothing(api, layer):
    refused = (await api.upload(MIXED)).json()
    dry = await api.upload(MIXED, dry_run="true")
    assert (dry.status_code, dry.json()["would_be_stored"]) == (200, False)
    assert dry.json()["report"]["errors"] == refused["errors"]
    assert (await api.upload(MIXED, dry_run="true", mode="accept_valid")).json()["would_be_stored"] is True
    good = await api.upload(FILE, dry_run="true")
    assert (good.status_code, good.json()["would_be_stored"]) == (200, True)
    assert sum((await layer.counts()).values()) == 0


async def test_accept_valid_stores_the_good_rows_and_reports_the_others(api, layer):
    answer = await api.upload(MIXED, mode="accept_valid")
    report = answer.json()["report"]
    assert answer.status_code == 201
    assert (report["rows"], report["accepted"], report["rejected"]) == (15, 2, 13)
    assert [warning["code"] for warning in report["warnings"]] == ["identical_row"]
    assert await layer.count("positions") == 2


async def test_accept_valid_without_one_valid_row_stores_nothing(api, layer):
    answer = await api.upload(f"{HEADER}\nAAPL,0,1,2024-01-02", mode="accept_valid")
    assert (answer.status_code, answer.json()["code"]) == (422, "rows_invalid")
    assert await layer.count("portfolios") == 0


class TestTheSameFileAgain:
    async def test_creates_nothing_new(self, api, layer):
        first = await api.upload(FILE)
        stored = await layer.counts()
        again = await api.upload(FILE)
        assert (again.status_code, again.json()["portfolio_id"]) == (200, first.json()["portfolio_id"])
        assert again.json()["report"] == first.json()["report"]
        assert await layer.counts() == stored

    async def test_twice_at_the_same_moment_creates_one_portfolio(self, api, layer):
        answers = await asyncio.gather(*(api.upload(FILE) for _ in range(4)))
        assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
        assert await layer.count("portfolios") == 1

    async def test_under_another_name_is_refused_unless_a_key_says_that_it_is_meant(self, api, layer):
        await api.upload(FILE)
        other = await api.upload(FILE, name="Other")
        assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
        meant = await api.upload(FILE, name="Other", headers={"Idempotency-Key": "second"})
        assert meant.status_code == 201
        assert await layer.count("portfolios") == 2

    async def test_may_be_imported_anew_after_its_portfolio_was_deleted(self, api):
        first = (await api.upload(FILE)).json()
        await api.delete(f"/portfolios/{first['portfolio_id']}")
        anew = await api.upload(FILE)
        assert anew.status_code == 201
        assert anew.json()["portfolio_id"] != first["portfolio_id"]

    async def test_by_another_owner_is_another_portfolio(self, api, layer):
        assert (await api.upload(FILE)).status_code == (await api.upload(FILE, owner="bob")).status_code == 201
        assert await layer.count("portfolios") == 2


class TestLimits:
    async def test_a_file_over_the_limit_is_refused_whether_its_size_is_declared_or_not(self, make_api, layer):
        api = await make_api(request_max_bytes=1_000)
        large = FILE + "# filler\n" * 200
        assert (await api.upload(large)).status_code == 413

        async def chunks():
            for _ in range(100):
                yield b"# some more of it\n"

        streamed = await api.client.post(
            "/portfolios/import?name=x", content=chunks(), headers=api.as_owner("ada") | {"Content-Type": "text/csv"}
        )
        form = await api.client.post(
            "/portfolios/import", files={"file": ("f.csv", large)}, data={"name": "x"}, headers=api.as_owner("ada")
        )
        body = await api.create({"name": "x" * 2_000, "positions": []})
        for answer in (streamed, form, body):
            assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        assert await layer.count("portfolios") == 0

    async def test_more_rows_than_allowed_are_refused(self, make_api, layer):
        api = await make_api(portfolio_max_rows=2)
        answer = await api.upload(FILE)
        assert (answer.status_code, answer.json()["code"]) == (422, "too_many_rows")
        position = {"symbol": "AAPL", "quantity": 1, "entry_price": 1, "entry_date": "2024-01-02"}
        sent = await api.create({"name": "x", "positions": [position] * 3})
        assert [error["code"] for error in sent.json()["errors"]] == ["too_many_rows"]


UNREADABLE_FILES = [
    ("", "file_empty"),
    (HEADER, "file_empty"),
    (FILE.encode("utf-16")[:-1], "not_utf8"),
    (FILE.replace(",", "|"), "columns_missing"),
    (b"\x89PNG\r\n\x1a\n", "not_utf8"),
]


async def test_a_file_that_cannot_be_read_is_a_problem_with_its_reason(api):
    for file, code in UNREADABLE_FILES:
        answer = await api.upload(file)
        assert (answer.status_code, answer.json()["code"]) == (422, code)
        assert answer.json()["errors"][0]["code"] == code


WRONG_DETAILS = [
    ({"name": ""}, "name"),
    ({"name": "x" * 201}, "name"),
    ({"name": "a\x00b"}, "name"),
    ({"mode": "some"}, "mode"),
    ({"dry_run": "perhaps"}, "dry_run"),
    ({"dryrun": "true"}, "dryrun"),
    ({"declared_equity": "lots"}, "declared_equity"),
    ({"declared_equity": "-5"}, "declared_equity"),
    ({"declared_equity": "1e99"}, "declared_equity"),
    ({"first_session": "yesterday"}, "first_session"),
]


async def test_a_detail_that_is_wrong_is_named(api, layer):
    for query, field in WRONG_DETAILS:
        answer = await api.upload(FILE, **query)
        assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, [field])
        assert await layer.count("portfolios") == 0


async def test_a_body_that_is_neither_form_nor_csv_is_refused(api):
    headers = api.as_owner("ada")
    for sent, status in (
        ({"content": b"{}", "headers": headers | {"Content-Type": "application/json"}}, 415),
        ({"content": b"x", "headers": headers | {"Content-Type": "multipart/form-data"}}, 400),
        ({"content": b"junk", "headers": headers | {"Content-Type": "multipart/form-data; boundary=b"}}, 400),
        (
            {"content": b"--b\r\nX\r\n\r\n", "headers": headers | {"Content-Type": "multipart/form-data; boundary=b"}},
            400,
        ),
        ({"data": {"file": "not a file", "name": "x"}, "headers": headers}, 415),
        ({"files": {"other": ("f.csv", b"x")}, "headers": headers}, 400),
    ):
        answer = await api.client.post("/portfolios/import", **sent)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), sent


NO_PORTFOLIOS = [
    (b"", 400, "body_unreadable"),
    (b"{", 400, "body_unreadable"),
    (b"\xff", 400, "body_unreadable"),
    (b"[" * 200_000, 400, "body_unreadable"),
    (b"[]", 400, "body_unreadable"),
    (b'{"name": "a", "name": "b", "positions": []}', 400, "body_unreadable"),
    (b"{}", 422, "portfolio_invalid"),
    (b'{"name": 5, "positions": {}}', 422, "portfolio_invalid"),
    (b'{"name": "a", "positions": [], "declared_equity": NaN}', 422, "portfolio_invalid"),
    (b'{"name": "a", "positions": [1, null, []], "extra": 1}', 422, "portfolio_invalid"),
    (b'{"name": "\\ud800", "positions": [{"symbol": "\\ud800", "\\ud800": "\\ud800"}]}', 400, "body_unreadable"),
    (b'{"name": "\\u0000", "positions": [{"symbol": "\\u0000"}]}', 422, "portfolio_invalid"),
]


async def test_json_that_is_no_portfolio_is_refused(api, layer):
    for body, status, code in NO_PORTFOLIOS:
        answer = await api.create(body)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert sum((await layer.counts()).values()) == 0


async def test_errors_in_json_positions_name_index_and_field(api):
    good = {"symbol": "AAPL", "quantity": 1, "entry_price": 1, "entry_date": "2024-01-02"}
    bad = {"symbol": "AAPL", "quantity": False, "entry_price": float("inf"), "entry_date": "2024-13-02", "shares": 3}
    answer = await api.create({"name": "x", "positions": [good, bad]})
    assert {(error["index"], error["field"], error["code"]) for error in answer.json()["errors"]} == {
        (1, "quantity", "value_invalid"),
        (1, "quantity", "quantity_missing"),
        (1, "shares", "field_unknown"),
        (1, "entry_price", "price_not_a_number"),
        (1, "entry_date", "date_not_iso"),
    }


json_value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | st.dates().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
field_name = st.sampled_from(["symbol", "quantity", "entry_price", "entry_date", "exit_price", "strike_price", "x"])
plausible = st.fixed_dictionaries(
    {
        "symbol": st.sampled_from(["AAPL", "MSFT", "NEW1", "brk.b"]) | st.text(max_size=14),
        "quantity": st.integers() | st.decimals(allow_nan=False).map(str),
        "entry_price": st.floats() | st.decimals(allow_nan=False, min_value=0).map(str),
        "entry_date": st.dates().map(str),
    }
)
document = st.fixed_dictionaries(
    {
        "name": json_value | st.just("x"),
        "positions": st.lists(plausible | st.dictionaries(field_name, json_value)) | json_value,
    },
    optional={"declared_equity": json_value, "first_session": json_value | st.just("2024-12-12"), "more": json_value},
)


async def test_nothing_that_is_sent_is_answered_with_a_server_error(api):
    """Both ways in, on one database; the examples share it, and no answer depends on what is stored."""
    loop = asyncio.get_running_loop()

    def send(call):
        return asyncio.run_coroutine_threadsafe(call, loop).result(30)

    @settings(max_examples=120, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(document)
    def documents(sent):
        assert send(api.create(json.dumps(sent))).status_code in {201, 422}

    @settings(max_examples=120, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.lists(st.text(max_size=12), max_size=9).map(",".join), max_size=4).map("\n".join))
    def files(sent):
        content = f"{HEADER}\n{GOOD}\n{sent}".encode("utf-8", "replace")
        assert send(api.upload(content, mode="accept_valid")).status_code in {200, 201, 422}

    @settings(max_examples=80, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.binary(max_size=120))
    def forms(sent):
        headers = api.as_owner("ada") | {"Content-Type": "multipart/form-data; boundary=b"}
        content = b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n' + sent + b"\r\n--b--\r\n"
        answer = send(api.client.post("/portfolios/import?name=x", content=content, headers=headers))
        assert answer.status_code in {400, 422}

    await asyncio.to_thread(documents)
    await asyncio.to_thread(files)
    await asyncio.to_thread(forms)
