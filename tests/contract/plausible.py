"""Requests as somebody sends them who knows what is there: what makes sense, about things that exist."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeAlias

from contract import standing


@dataclass(frozen=True)
class Sent:
    """What stands in the address, the query, the body and the headers; the owner whose things they are."""

    owner: str
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


Maker: TypeAlias = Callable[[Random], Sent]
_HELD = ["KO", "BRK-B", "SPY"]
_DAYS = ["2024-12-12", "2024-12-13", "2024-12-16"]


def plausible(operation: str, chance: Random) -> Sent | None:
    """A request to the operation, by its method and path; None where whatever is made up does as well."""
    maker = _MAKERS.get(operation)
    return None if maker is None else maker(chance)


def _json(content: Any) -> bytes:
    return json.dumps(content).encode()


JSON = {"Content-Type": "application/json"}


def _question(body: Callable[[Random], Any]) -> Maker:
    """A body posted to analytics about the portfolio that has everything, or about all of its owner."""

    def make(chance: Random) -> Sent:
        return Sent(standing.OWNER, {"portfolio": str(standing.VALUED)}, body=_json(body(chance)), headers=JSON)

    return make


def _what_if(chance: Random) -> Any:
    if chance.random() < 0.5:
        trades = [
            {"symbol": chance.choice(_HELD), "quantity": round(chance.uniform(-10, 40), 2)}
            for _ in range(chance.randint(1, 4))
        ]
        return {"trades": trades, "allow_short": chance.random() < 0.8}
    weights = [
        {"symbol": symbol, "weight": round(chance.uniform(-0.5, 1.0), 3)}
        for symbol in chance.sample(_HELD, chance.randint(1, 3))
    ]
    return {"target_weights": weights, "close_others": chance.random() < 0.3, "allow_short": True}


def _stress(chance: Random) -> Any:
    asked: dict[str, Any] = {"top": chance.randint(0, 10)}
    if chance.random() < 0.7:
        factors = chance.sample(["market", "rates", "value", "growth", "size"], chance.randint(1, 3))
        shocks = [{"factor": factor, "shock": round(chance.uniform(-0.6, 0.6), 3)} for factor in factors]
        asked["own"] = [{"name": "mine", "shocks": shocks}]
    if chance.random() < 0.5:
        asked["scenarios"] = chance.sample(["covid_crash_2020", "rates_up_100bp", "market_up_5"], 2)
    return asked


def _attributed(chance: Random) -> Sent:
    since, until = sorted(chance.sample(["2024-11-05", "2024-11-20", *_DAYS], 2))
    query = {"since": since, "until": until, "top": str(chance.randint(0, 20))}
    return Sent(standing.OWNER, {"portfolio": str(standing.VALUED)}, query)


def _ticket(_: Random) -> Any:
    return {"portfolio": str(standing.VALUED)}


def _editing(
    body: Callable[[Random], Any] | None = None,
    *,
    about: Callable[[Random, standing.Editable], dict[str, str]] = lambda *_: {},
    conditional: bool = True,
) -> Maker:
    """An edit of one of the portfolios that are there for it, by one who has seen its version, or asks for any."""

    def make(chance: Random) -> Sent:
        one = chance.choice(standing.EDITABLE)
        headers = dict(JSON) if body is not None else {}
        if conditional:
            headers["If-Match"] = "*" if chance.random() < 0.8 else '"1"'
        return Sent(
            standing.EDITOR,
            {"portfolio_id": str(one.portfolio), **about(chance, one)},
            body=None if body is None else _json(body(chance)),
            headers=headers,
        )

    return make


def _lot_of(chance: Random, one: standing.Editable) -> dict[str, str]:
    return {"position_id": str(chance.choice(one.lots))}


def _flow_of(_: Random, one: standing.Editable) -> dict[str, str]:
    return {"flow_id": str(one.flow)}


def _price_of(_: Random, one: standing.Editable) -> dict[str, str]:
    return {"position_id": str(one.private), "day": str(standing.PRICED)}


def _priced(chance: Random) -> Sent:
    """Corrects a price that is there, or gives a day its first."""
    one = chance.choice(standing.EDITABLE)
    there = chance.random() < 0.7
    path = {
        "portfolio_id": str(one.portfolio),
        "position_id": str(one.private),
        "day": str(standing.PRICED) if there else chance.choice(_DAYS),
    }
    condition = {"If-Match" if there else "If-None-Match": "*"}
    return Sent(standing.EDITOR, path, body=_json({"price": chance.randint(0, 90)}), headers=JSON | condition)


def _lot(chance: Random) -> dict[str, Any]:
    return {
        "symbol": chance.choice(_HELD),
        "quantity": str(chance.choice([5, 12.5, -3])),
        "entry_price": str(round(chance.uniform(20, 90), 2)),
        "entry_date": chance.choice(_DAYS),
    }


def _lots(chance: Random) -> Any:
    return {"lots": [_lot(chance) for _ in range(chance.randint(1, 3))]}


def _lot_changed(chance: Random) -> Any:
    return chance.choice([{"entry_price": "51.25"}, {"quantity": "12"}, {"entry_fee": 1}, {"entry_date": "2024-12-12"}])


def _closed(chance: Random) -> Any:
    asked = {"exit_date": chance.choice(_DAYS), "exit_price": "61.5"}
    return asked | ({"quantity": "0.5"} if chance.random() < 0.7 else {})


def _flow(chance: Random) -> Any:
    return {"kind": "deposit", "amount": str(chance.randint(1, 900)), "date": chance.choice(_DAYS), "note": "Salary"}


def _created(chance: Random) -> Any:
    asked: dict[str, Any] = {"name": f"New {chance.randint(0, 9)}", "positions": [_lot(chance)]}
    if chance.random() < 0.5:
        asked |= {"declared_equity": "100000", "first_session": "2024-12-12", "cash_flows": [_flow(chance)]}
    return asked


def _create(chance: Random) -> Sent:
    return Sent(standing.EDITOR, body=_json(_created(chance)), headers=JSON)


def _file(chance: Random) -> bytes:
    lines = ["Symbol,Quantity,Entry Price Per Share,Entry Date"]
    for _ in range(chance.randint(1, 5)):
        lot = _lot(chance)
        lines.append(",".join(str(lot[name]) for name in ("symbol", "quantity", "entry_price", "entry_date")))
    return "\n".join(lines).encode()


def _imported(chance: Random) -> Sent:
    query = {"name": "From a file"} | ({"dry_run": "true"} if chance.random() < 0.3 else {})
    return Sent(standing.EDITOR, query=query, body=_file(chance), headers={"Content-Type": "text/csv"})


def _imported_into(chance: Random) -> Sent:
    one = chance.choice(standing.EDITABLE)
    path = {"portfolio_id": str(one.portfolio)}
    return Sent(standing.EDITOR, path, body=_file(chance), headers={"Content-Type": "text/csv"})


_PORTFOLIO = "/portfolios/{portfolio_id}"
_LOT = f"{_PORTFOLIO}/lots/{{position_id}}"
_FLOW = f"{_PORTFOLIO}/cash-flows/{{flow_id}}"
_PRICE = f"{_LOT}/prices/{{day}}"
_ASKED = "/api/v1/analytics/portfolio"
_MAKERS: dict[str, Maker] = {
    f"POST {_ASKED}/{{portfolio}}/what-if": _question(_what_if),
    f"POST {_ASKED}s/what-if": _question(_what_if),
    f"POST {_ASKED}/{{portfolio}}/stress-test": _question(_stress),
    f"POST {_ASKED}s/stress-test": _question(_stress),
    f"GET {_ASKED}/{{portfolio}}/attribution": _attributed,
    f"GET {_ASKED}s/attribution": _attributed,
    "POST /api/v1/analytics/tickets": _question(_ticket),
    "POST /portfolios": _create,
    "POST /portfolios/import": _imported,
    f"POST {_PORTFOLIO}/import": _imported_into,
    f"GET {_PORTFOLIO}": _editing(conditional=False),
    f"PATCH {_PORTFOLIO}": _editing(lambda chance: {"name": f"Renamed {chance.randint(0, 99)}"}),
    f"DELETE {_PORTFOLIO}": _editing(),
    f"GET {_PORTFOLIO}/lots": _editing(conditional=False),
    f"POST {_PORTFOLIO}/lots": _editing(_lots, conditional=False),
    f"GET {_LOT}": _editing(about=_lot_of, conditional=False),
    f"PATCH {_LOT}": _editing(_lot_changed, about=_lot_of),
    f"DELETE {_LOT}": _editing(about=_lot_of),
    f"POST {_LOT}/close": _editing(_closed, about=_lot_of),
    f"GET {_PORTFOLIO}/cash-flows": _editing(conditional=False),
    f"POST {_PORTFOLIO}/cash-flows": _editing(_flow, conditional=False),
    f"GET {_FLOW}": _editing(about=_flow_of, conditional=False),
    f"PATCH {_FLOW}": _editing(lambda chance: {"amount": str(chance.randint(1, 900))}, about=_flow_of),
    f"DELETE {_FLOW}": _editing(about=_flow_of),
    f"GET {_LOT}/prices": _editing(about=_lot_of, conditional=False),
    f"GET {_PRICE}": _editing(about=_price_of, conditional=False),
    f"PUT {_PRICE}": _priced,
    f"DELETE {_PRICE}": _editing(about=_price_of),
    f"GET {_PORTFOLIO}/changes": _editing(conditional=False),
    f"GET {_PORTFOLIO}/export": _editing(conditional=False),
    f"GET {_PORTFOLIO}/status": _editing(conditional=False),
    f"GET {_PORTFOLIO}/progress": _editing(conditional=False),
    f"GET {_ASKED}/{{portfolio}}/events": lambda _: Sent(standing.OWNER, {"portfolio": str(standing.VALUED)}),
}
