"""What OpenAPI shows of the ledger: examples that work, and one of each problem."""

import json

LOT = {"symbol": "AAPL", "quantity": "100", "entry_price": "240", "entry_date": "2024-12-11"}
OPERATIONS = (
    ("/lots", "post"),
    ("/lots/{position_id}", "patch"),
    ("/lots/{position_id}/close", "post"),
    ("/cash-flows", "post"),
    ("/cash-flows/{flow_id}", "patch"),
    ("/lots/{position_id}/prices/{day}", "put"),
    ("", "patch"),
)


async def test_every_example_of_a_body_is_accepted(portfolio, api):
    paths = (await api.client.get("/openapi.json")).json()["paths"]
    flow = (await portfolio.flow()).json()["cash_flow"]["flow_id"]
    for path, method in OPERATIONS:
        lot = await portfolio.lot(
            **({} if "prices" not in path else {"investment_class": "PRIVATE", "symbol": "HOUSE"})
        )
        example = paths[f"/portfolios/{{portfolio_id}}{path}"][method]["requestBody"]["content"]["application/json"][
            "example"
        ]
        where = path.format(position_id=lot["position_id"], flow_id=flow, day="2024-12-13")
        seen = {"If-None-Match": "*"} if method == "put" else {"If-Match": "*"}
        answer = await portfolio.ask(method.upper(), where, example, **seen)
        assert answer.status_code in (200, 201), (path, answer.text)


async def test_every_operation_shows_an_example_of_each_problem(api):
    document = (await api.client.get("/openapi.json")).json()
    for path, operations in document["paths"].items():
        if not any(word in path for word in ("/lots", "/cash-flows", "/changes")):
            continue
        for method, operation in operations.items():
            problems = {code: answer for code, answer in operation["responses"].items() if int(code) >= 400}
            assert {"401", "403", "404", "422", "503"} <= set(problems), (method, path)
            if method in {"patch", "put", "delete"} or path.endswith("/close"):
                assert {"412", "428"} <= set(problems), (method, path)
            for code, answer in problems.items():
                example = answer["content"]["application/problem+json"]["example"]
                assert example["status"] == int(code), json.dumps(example)
                assert example["code"] in example["type"]


async def test_every_operation_names_the_headers_that_it_takes_once(api):
    paths = (await api.client.get("/openapi.json")).json()["paths"]
    for path, operations in paths.items():
        for method, operation in operations.items():
            headers = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "header"]
            if method == "get":
                remembers = {"If-None-Match"} if "304" in operation["responses"] else set()
                assert set(headers) - {"Last-Event-ID"} == remembers, path
                continue
            keyed = {"Idempotency-Key"} if method == "post" else set()
            creates = path in {"/portfolios", "/portfolios/import"}
            conditional = set() if creates else {"If-Match", *(("If-None-Match",) if method == "put" else ())}
            assert sorted(headers) == sorted({"X-Request-ID"} | keyed | conditional), (method, path)
