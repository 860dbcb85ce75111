"""Pages of other origins, and compression."""

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse, StreamingResponse
from pydantic import ValidationError

from riskstream.runtime.browsers import open_to_browsers
from riskstream.runtime.settings import BrowserSettings

PAGE = "https://risk.example.com"


def client(origins: str) -> httpx.AsyncClient:
    app = FastAPI()

    @app.get("/long")
    async def long() -> PlainTextResponse:
        return PlainTextResponse("x" * 10_000, headers={"ETag": '"1"'})

    @app.get("/short")
    async def short() -> PlainTextResponse:
        return PlainTextResponse("x")

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(iter(["x" * 10_000]), media_type="text/event-stream")

    open_to_browsers(app, BrowserSettings(cors_origins=origins))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api")


def preflight(origin: str, method: str = "GET") -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization, if-match",
    }


async def test_a_page_of_an_origin_that_was_named_may_ask_and_read_the_tag() -> None:
    async with client(f"https://other.example.com, {PAGE}") as api:
        asked = await api.options("/long", headers=preflight(PAGE, "PATCH"))
        answer = await api.get("/long", headers={"Origin": PAGE})
    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == answer.headers["access-control-allow-origin"] == PAGE
    assert "PATCH" in asked.headers["access-control-allow-methods"]
    assert "ETag" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in answer.headers


async def test_pages_of_other_origins_are_not_let_in() -> None:
    async with client(PAGE) as api:
        asked = await api.options("/long", headers=preflight("https://evil.example.com"))
        answer = await api.get("/long", headers={"Origin": "https://evil.example.com"})
    assert asked.status_code == 400
    assert "access-control-allow-origin" not in answer.headers


async def test_by_default_no_other_origin_may_ask() -> None:
    async with client("") as api:
        assert (await api.options("/long", headers=preflight(PAGE))).status_code == 405
        assert "access-control-allow-origin" not in (await api.get("/long", headers={"Origin": PAGE})).headers


async def test_long_answers_are_compressed_short_ones_and_streams_are_not() -> None:
    async with client("") as api:
        encodings = [(await api.get(path)).headers.get("content-encoding") for path in ("/long", "/short", "/stream")]
        plain = await api.get("/long", headers={"Accept-Encoding": "identity"})
    assert encodings == ["gzip", None, None]
    assert (plain.headers.get("content-encoding"), plain.text) == (None, "x" * 10_000)


@pytest.mark.parametrize("wrong", ["risk.example.com", "https://risk.example.com/app", "https://a.com,ftp://b.com"])
def test_what_is_no_origin_stops_the_service_with_an_example(wrong: str) -> None:
    with pytest.raises(ValidationError, match=r"is no origin: give scheme and host .* https://risk\.example\.com"):
        BrowserSettings(cors_origins=wrong)
