from http import HTTPStatus

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from riskstream.runtime.problems import MEDIA_TYPE, Problem, install_problem_handlers


class Order(BaseModel):
    quantity: int


def application() -> FastAPI:
    app = FastAPI()
    install_problem_handlers(app)

    @app.get("/teapot")
    async def teapot() -> None:
        raise Problem(
            HTTPStatus.IM_A_TEAPOT,
            "teapot",
            "This is a teapot.",
            errors=[{"row": 1, "code": "short"}],
            headers={"Retry-After": "5"},
        )

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("secret of the house")

    @app.post("/orders")
    async def order(order: Order) -> Order:
        return order

    return app


async def ask(method: str, path: str, **more: object) -> httpx.Response:
    transport = httpx.ASGITransport(application(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.request(method, path, **more)  # type: ignore[arg-type]


async def test_a_problem_leaves_as_problem_details_with_its_code_findings_and_headers() -> None:
    answer = await ask("GET", "/teapot")
    assert answer.status_code == HTTPStatus.IM_A_TEAPOT
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.headers["retry-after"] == "5"
    assert answer.json() == {
        "type": "urn:riskstream:problem:teapot",
        "title": "I'm a Teapot",
        "status": 418,
        "code": "teapot",
        "detail": "This is a teapot.",
        "instance": "/teapot",
        "errors": [{"row": 1, "code": "short"}],
    }


async def test_a_request_that_cannot_be_understood_says_where_and_shows_the_value() -> None:
    answer = await ask("POST", "/orders", json={"quantity": "many"})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert answer.headers["content-type"] == MEDIA_TYPE
    (finding,) = answer.json()["errors"]
    assert finding["where"] == "body.quantity"
    assert finding["value"] == "many"


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (b'{"quantity": NaN}', "nan"),
        (b'{"quantity": -Infinity}', "-inf"),
        (b'{"quantity": "' + b"9" * 5_000 + b'x"}', "9" * 200 + "…"),
        (b'{"quantity": {"a": [NaN]}}', None),
        (b'{"quantities": [1, 2]}', None),
    ],
)
async def test_a_value_that_json_cannot_say_or_nobody_would_read_is_no_second_error(sent: bytes, shown: object) -> None:
    response = await ask("POST", "/orders", content=sent, headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json()["errors"][0]["value"]) == (422, shown)


async def test_the_frameworks_own_errors_have_the_same_shape() -> None:
    missing, method = await ask("GET", "/nowhere"), await ask("DELETE", "/orders")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    assert (method.status_code, method.json()["code"]) == (405, "method_not_allowed")
    assert {missing.headers["content-type"], method.headers["content-type"]} == {MEDIA_TYPE}


async def test_an_error_nobody_foresaw_is_a_500_that_tells_nothing_of_our_insides() -> None:
    answer = await ask("GET", "/broken")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert "secret" not in answer.text
