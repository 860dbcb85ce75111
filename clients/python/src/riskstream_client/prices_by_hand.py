"""What an option or a private holding was worth, as its owner says."""

from datetime import date

from riskstream_client import onboarding_models as models
from riskstream_client.connection import Connection, Id, path_part
from riskstream_client.editing import Version, conditions, portfolio_path
from riskstream_client.onboarding_bodies import Amount, PriceGiven


class PricesByHand(Connection):
    """Prices of lots that no market prices: each counts from its day until the next."""

    def list_prices(
        self, portfolio: Id, lot: Id, *, after: date | None = None, limit: int | None = None
    ) -> models.Prices:
        """A page of prices, from after the last one of the page before."""
        return self._ask("GET", _prices(portfolio, lot), models.Prices, query={"after": after, "limit": limit})

    def read_price(self, portfolio: Id, lot: Id, day: date) -> models.PriceAnswer:
        """The price that was given for the day; its `changed_version` is what a change of it names."""
        return self._ask("GET", _price(portfolio, lot, day), models.PriceAnswer)

    def put_price(
        self, portfolio: Id, lot: Id, day: date, price: Amount, *, version: Version | None
    ) -> models.ChangedPrice:
        """USD per share or unit; `version` is of the day's price that this one replaces, None where there is none."""
        body = PriceGiven(price=price)
        headers = {"If-None-Match": "*"} if version is None else conditions(version=version)
        return self._ask("PUT", _price(portfolio, lot, day), models.ChangedPrice, body=body, headers=headers)

    def delete_price(self, portfolio: Id, lot: Id, day: date, *, version: Version) -> models.ChangeMade:
        """The price before it counts on."""
        headers = conditions(version=version)
        return self._ask("DELETE", _price(portfolio, lot, day), models.ChangeMade, headers=headers)


def _prices(portfolio: Id, lot: Id) -> str:
    return f"{portfolio_path(portfolio)}/lots/{path_part(lot)}/prices"


def _price(portfolio: Id, lot: Id, day: date) -> str:
    return f"{_prices(portfolio, lot)}/{path_part(day)}"
