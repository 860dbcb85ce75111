"""What every answer about a symbol says, and what is answered where there is none."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest

MONDAY, TUESDAY = date(2024, 12, 16), date(2024, 12, 17)
ALL = ("exposures", "exposures/history", "prices", "profile", "metrics")
EACH = pytest.mark.parametrize("what", ALL)


@EACH
async def test_every_answer_says_whose_it_is_of_when_and_how_old(published: Any, said: Any, what: str) -> None:
    await published.everything("BRK-B")
    answer = await said("BRK-B", what)
    assert {name: answer[name] for name in ("symbol", "renamed_from", "as_of", "edition", "in_edition", "run_id")} == {
        "symbol": "BRK-B", "renamed_from": None, "as_of": "2024-12-16", "edition": 1, "in_edition": True,
        "run_id": str(UUID(int=77)),
    }  # fmt: skip
    assert answer["age"] == {"sessions": 0, "level": "fine", "last_due_session": "2024-12-16"}


@EACH
@pytest.mark.parametrize("written", ["BRK.B", "brk-b", "%20brk.b"])
async def test_a_symbol_may_be_written_in_every_usual_way(published: Any, said: Any, what: str, written: str) -> None:
    await published.everything("BRK-B")
    answer = await said(written, what)
    assert (answer["symbol"], answer["renamed_from"]) == ("BRK-B", None)


@EACH
async def test_a_renamed_symbol_answers_under_its_new_name(published: Any, said: Any, what: str) -> None:
    await published.everything("META")
    await published.renamed("FB", "META")
    answer = await said("fb", what)
    assert (answer["symbol"], answer["renamed_from"]) == ("META", "FB")


@EACH
async def test_it_belongs_to_nobody(published: Any, ask: Any, what: str) -> None:
    await published.everything("AAA")
    assert (await ask("AAA", what, "ana")).content == (await ask("AAA", what, "bob")).content


@EACH
async def test_without_a_token_nothing_is_said(published: Any, replica: Any, what: str) -> None:
    await published.everything("AAA")
    assert (await replica.client.get(f"/api/v1/analytics/symbols/AAA/{what}")).status_code == 401


@EACH
async def test_an_old_edition_says_that_it_is_old(published: Any, make_replica: Any, what: str) -> None:
    await published.everything("AAA")
    late = await make_replica(now=datetime(2024, 12, 18, 4, 30, tzinfo=UTC))
    answer = await late.client.get(f"/api/v1/analytics/symbols/AAA/{what}", headers=late.bearer("ana"))
    assert answer.json()["age"] == {"sessions": 1, "level": "warning", "last_due_session": "2024-12-17"}


@EACH
async def test_before_the_first_edition_it_says_when_to_ask_again(ask: Any, what: str) -> None:
    answer = await ask("AAA", what)
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_published_yet")
    assert int(answer.headers["retry-after"]) > 0


@EACH
async def test_an_unknown_symbol_is_told_how_it_becomes_known(world: Any, ask: Any, what: str) -> None:
    await world.edition(1, MONDAY)
    answer = await ask("ZZZ", what)
    assert (answer.status_code, answer.json()["code"]) == (404, "symbol_not_known")
    assert "when a portfolio holds it" in answer.json()["detail"]
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("state", "reason", "expected"),
    [
        ("queued", None, "being asked for (queued)"),
        ("waiting_for_provider", None, "being asked for (waiting_for_provider)"),
        ("failed", "not_found", "failed: not_found"),
        ("ready", None, "was known once"),
    ],
)
async def test_an_unknown_symbol_says_what_came_of_asking(
    world: Any, published: Any, ask: Any, state: str, reason: str | None, expected: str
) -> None:
    await world.edition(1, MONDAY)
    await published.insert("symbol_requests", {"symbol": "ZZZ", "state": state, "reason": reason})
    assert expected in (await ask("ZZZ", "metrics")).json()["detail"]


async def test_a_symbol_that_was_left_out_keeps_its_past_and_has_no_present(
    world: Any, published: Any, ask: Any, said: Any
) -> None:
    await published.everything("OLD")
    await world.edition(2, TUESDAY)
    for what in ("exposures/history", "prices", "profile"):
        answer = await said("OLD", what)
        assert (answer["edition"], answer["in_edition"], answer["run_id"]) == (2, False, str(UUID(int=2)))
    for what in ("exposures", "metrics"):
        assert (await ask("OLD", what)).json()["code"] == "symbol_not_known"


@EACH
async def test_what_can_be_no_symbol_is_refused(ask: Any, what: str) -> None:
    for symbol in ("A_B", "A B", "-A", "A--B", "ABCDEFGHIJKLM", "%00", "ß", "A" * 500, "'; DROP", "%", "%ED%A0%80"):
        answer = await ask(symbol, what)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), symbol
        assert answer.json()["errors"][0]["where"] == "path.symbol"


@EACH
async def test_an_unknown_question_or_parameter_is_not_answered(published: Any, ask: Any, what: str) -> None:
    await published.everything("AAA")
    assert (await ask("AAA", f"{what}x")).status_code == 404
    if what in {"prices", "exposures/history"}:
        assert (await ask("AAA", what, untli="2024-12-01")).status_code == 422


@pytest.mark.parametrize("what", ["prices", "exposures/history"])
async def test_a_window_that_makes_no_sense_is_refused_and_named(published: Any, ask: Any, what: str) -> None:
    """It is Monday, 2024-12-16, in New York."""
    await published.everything("AAA")
    for window, where in (
        ({"since": "yesterday"}, "query.since"),
        ({"until": "2024-13-01"}, "query.until"),
        ({"until": ""}, "query.until"),
        ({"since": "2024-12-13", "until": "2024-12-12"}, "query"),
        ({"since": "2024-12-17"}, "query.since"),
        ({"until": "2024-12-17"}, "query.until"),
        ({"until": "9999-12-31"}, "query.until"),
        ({"since": "nan"}, "query.since"),
        ({"until": "1e99"}, "query.until"),
    ):
        answer = await ask("AAA", what, **window)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), window
        assert [error["where"] for error in answer.json()["errors"]] == [where]


@EACH
async def test_who_has_the_answer_is_told_so_until_it_changes(world: Any, published: Any, ask: Any, what: str) -> None:
    await published.everything("AAA")
    first = await ask("AAA", what)
    headers = {"If-None-Match": first.headers["ETag"]}
    again = await ask("AAA", what, headers=headers)
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert again.headers["Cache-Control"] == "private, no-cache"
    await world.edition(2, MONDAY)
    await published.metrics(2, "AAA")
    changed = await ask("AAA", what, headers=headers)
    assert (changed.status_code, changed.json()["edition"]) == (200, 2)


async def test_prices_that_were_corrected_within_an_edition_are_given_again(published: Any, ask: Any) -> None:
    await published.everything("AAA")
    headers = {"If-None-Match": (await ask("AAA", "prices")).headers["ETag"]}
    await published.sql.execute("UPDATE symbols.market_data_cache SET close = 103 WHERE session = $1", MONDAY)
    answer = await ask("AAA", "prices", headers=headers)
    assert (answer.status_code, answer.json()["bars"][0]["close"]) == (200, 103.0)


@EACH
async def test_without_postgres_it_says_that_the_database_is_away(
    published: Any, make_replica: Any, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await published.everything("AAA")
    away = await asyncpg.create_pool("postgresql://analytics:x@127.0.0.1:1/none", min_size=0, timeout=1)
    replica = await make_replica()
    monkeypatch.setattr(replica.figures, "_pool", away)
    answer = await replica.client.get(f"/api/v1/analytics/symbols/AAA/{what}", headers=replica.bearer("ana"))
    await away.close()
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert int(answer.headers["retry-after"]) > 0


async def test_a_mistake_of_ours_is_not_called_an_absence_of_the_database(
    published: Any, make_replica: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await published.everything("AAA")
    replica = await make_replica()

    async def broken() -> None:
        raise KeyError("x")

    monkeypatch.setattr(replica.figures._calendar, "sessions", broken)
    with pytest.raises(KeyError):
        await replica.client.get("/api/v1/analytics/symbols/AAA/metrics", headers=replica.bearer("ana"))


async def test_the_documentation_names_every_answer_with_its_fields_units_and_factors(replica: Any) -> None:
    document = (await replica.client.get("/openapi.json")).json()
    for what in ALL:
        operation = document["paths"][f"/api/v1/analytics/symbols/{{symbol}}/{what}"]["get"]
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].rsplit("/")[-1]
        assert {"symbol", "as_of", "edition", "run_id", "age"} <= document["components"]["schemas"][
            schema
        ].keys() | set(document["components"]["schemas"][schema]["properties"])
    fields = document["components"]["schemas"]["RiskLoadings"]["properties"]
    assert "Daily standard deviation" in fields["specific_volatility"]["description"]
    history = document["paths"]["/api/v1/analytics/symbols/{symbol}/exposures/history"]["get"]["parameters"]
    assert len(next(one for one in history if one["name"] == "factor")["schema"]["enum"]) == 12
