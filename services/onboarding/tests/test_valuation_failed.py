"""A portfolio that portfolio-refresh cannot value says so, until its version or its valuation is another."""

import pytest

KNOWN = {"symbol": "AAPL", "quantity": "100", "entry_price": "185.50", "entry_date": "2024-01-16"}
FAILING = """
INSERT INTO valuations.failing_portfolios
SELECT portfolio_id, owner_id, $2, $3, 'amount_out_of_range', 'look for a quantity mistyped', 1, now(), now(),
    now() + interval '1 hour'
FROM portfolios.portfolios WHERE portfolio_id::text = $1
"""


@pytest.fixture
def failing(layer):
    async def fail(portfolio: str, version: int = 1, edition: int = 7) -> None:
        await layer.connection.execute(FAILING, portfolio, version, edition)

    return fail


async def created(api, owner="ada"):
    return (await api.create({"name": "Mine", "positions": [KNOWN]}, owner=owner)).json()["portfolio_id"]


async def read(api, portfolio, owner="ada"):
    found = (await api.get(f"/portfolios/{portfolio}", owner=owner)).json()
    return found["status"], found["reason"]


async def test_a_portfolio_that_cannot_be_valued_is_an_error_with_the_reason(api, failing):
    portfolio, other = await created(api), await created(api, owner="bob")
    assert await read(api, portfolio) == ("pending", None)
    await failing(portfolio)
    assert await read(api, portfolio) == (
        "error",
        "valuation_failed: amount_out_of_range: look for a quantity mistyped",
    )
    assert await read(api, other, owner="bob") == ("pending", None)


@pytest.mark.parametrize("version", [0, 2])
async def test_what_failed_at_another_version_says_nothing_about_this_one(api, failing, version):
    portfolio = await created(api)
    await failing(portfolio, version=version)
    assert await read(api, portfolio) == ("pending", None)


async def test_once_it_is_valued_it_is_ready(api, layer, failing):
    portfolio = await created(api)
    await failing(portfolio)
    await layer.value(portfolio)
    assert await read(api, portfolio) == ("ready", None)


async def test_an_old_valuation_of_a_version_that_cannot_be_brought_to_the_edition_is_an_error(api, layer, failing):
    portfolio = await created(api)
    await layer.value(portfolio)
    await failing(portfolio, edition=8)
    assert (await read(api, portfolio))[0] == "error"
