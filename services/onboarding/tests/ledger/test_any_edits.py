"""Any edits in any order: the API holds what a plain model of a ledger holds, and its log replays to the same."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

DAYS = ("2024-12-11", "2024-12-12", "2024-12-13", "2024-12-14", "2024-12-16")
HOUSE = {"symbol": "HOUSE", "investment_class": "PRIVATE"}
OURS = {"symbol": "AAPL", "quantity": "8", "entry_price": "2", "entry_date": "2024-12-11", "entry_fee": "1.01"}
BROUGHT = {
    "positions": [OURS, OURS | HOUSE | {"prices": [{"date": "2024-12-13", "price": "2.5"}]}],
    "cash_flows": [{"kind": "deposit", "amount": "70", "date": "2024-12-13"}],
}
"""What the portfolio is created with."""
FILE = "Symbol,Quantity,Entry Price Per Share,Entry Date,Entry Fee\n"

places = st.integers(0, 5)
amounts = st.integers(1, 500).map(lambda n: str(Decimal(n) / 4))
days = st.sampled_from(DAYS)
fresh = st.booleans()
"""Whether the version that is named is the newest."""

edits = st.one_of(
    st.tuples(st.just("add"), st.sampled_from([{}, {"symbol": "MSFT"}, HOUSE]), amounts, days),
    st.tuples(st.just("file"), amounts, days),
    st.tuples(st.just("change"), places, amounts, fresh),
    st.tuples(st.just("close"), places, st.integers(1, 150), days, fresh),
    st.tuples(st.just("open"), places, fresh),
    st.tuples(st.just("delete"), places, fresh),
    st.tuples(st.just("flow"), st.sampled_from(["deposit", "withdrawal", "fee"]), amounts, days),
    st.tuples(st.just("change flow"), places, amounts, fresh),
    st.tuples(st.just("delete flow"), places, fresh),
    st.tuples(st.just("price"), places, amounts, days, fresh),
    st.tuples(st.just("delete price"), places, fresh),
    st.tuples(st.just("again"), places),
    st.tuples(st.just("delete as a stranger"), places),
)


@dataclass
class Model:
    """What a portfolio should hold. Lots and flows as dictionaries by id, with the version that changed each last."""

    version: int = 1
    lots: dict[str, dict[str, Any]] = field(default_factory=dict)
    flows: dict[str, dict[str, Any]] = field(default_factory=dict)
    tags: dict[str, int] = field(default_factory=dict)
    prices: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    posts: list[tuple[str, Any, str, Any]] = field(default_factory=list)

    def next(self, *ids: str) -> int:
        self.version += 1
        self.tags |= dict.fromkeys(ids, self.version)
        return self.version


def nth(things: dict[str, Any], place: int) -> str | None:
    return list(things)[place % len(things)] if things else None


def held(lot: dict[str, Any]) -> dict[str, Any]:
    """What is compared of a lot, in the API's answers, the log and the model alike."""
    return {
        "symbol": lot["symbol"],
        "quantity": Decimal(lot["quantity"]),
        "entry_date": lot["entry_date"],
        "entry_fee": Decimal(lot.get("entry_fee") or 0),
        "exit_date": lot.get("exit_date"),
        "exit_price": None if lot.get("exit_price") is None else Decimal(lot["exit_price"]),
    }


def flowed(flow: dict[str, Any]) -> dict[str, Any]:
    return {"kind": flow["kind"], "amount": Decimal(flow["amount"]), "date": flow["date"]}


def apart(ledger: dict[tuple[str, ...], Any]) -> tuple[dict[str, Any], dict[str, Any], dict[tuple[str, str], Decimal]]:
    """Lots, flows and prices, as the model has them."""
    lots = {name[0]: held(said) for (kind, *name), said in ledger.items() if kind == "lot"}
    flows = {name[0]: flowed(said) for (kind, *name), said in ledger.items() if kind == "flow"}
    return lots, flows, {(name[0], name[1]): said["price"] for (kind, *name), said in ledger.items() if kind == "price"}


class Play:
    """Does one edit at the API and in the model, and compares the answer."""

    def __init__(self, portfolio: Any, stranger: Any, layer: Any, key: Callable[[], str]) -> None:
        self.portfolio, self.stranger, self.layer, self.key = portfolio, stranger, layer, key
        self.model = Model()

    async def begin(self) -> None:
        """Let the model have what the portfolio was created with."""
        self.model.lots, self.model.flows, self.model.prices = apart(await self.portfolio.ledger())
        self.model.tags = {" ".join(name): 1 for _, *name in await self.portfolio.ledger()}

    async def do(self, edit: tuple[Any, ...]) -> None:
        await getattr(self, edit[0].replace(" ", "_"))(*edit[1:])

    async def _post(self, path: str, body: Any, **more: Any) -> Any:
        key = self.key()
        answer = await self.portfolio.ask("POST", path, body, **more, **{"Idempotency-Key": key})
        if answer.status_code in (200, 201):
            self.model.posts.append((path, body, key, answer.json()["version"]))
        return answer

    def _tag(self, thing: str, is_fresh: bool) -> int:
        return self.model.tags[thing] if is_fresh else self.model.tags[thing] + 1_000

    async def add(self, extra: dict[str, str], quantity: str, day: str) -> None:
        lot = OURS | {"quantity": quantity, "entry_date": day} | extra
        answer = await self._post("/lots", {"lots": [lot]})
        assert answer.status_code == 201, answer.text
        [made] = answer.json()["lots"]
        assert answer.json()["version"] == self.model.next(made["position_id"])
        self.model.lots[made["position_id"]] = held(lot)

    async def file(self, quantity: str, day: str) -> None:
        """Two lots that a file adds, found by what they are: its answer names none."""
        sent = self.portfolio.api.as_owner("ada") | {"Content-Type": "text/csv", "Idempotency-Key": self.key()}
        rows = f"{FILE}AAPL,{quantity},2,{day},1.01\nMSFT,{quantity},2,{day},\n"
        answer = await self.portfolio.api.client.post(f"{self.portfolio.path}/import", content=rows, headers=sent)
        assert answer.status_code == 201, answer.text
        version = self.model.next()
        lots = await self.portfolio.lots()
        come = {lot["position_id"]: held(lot) for lot in lots if lot["created_version"] == version}
        assert sorted(lot["symbol"] for lot in come.values()) == ["AAPL", "MSFT"]
        assert {(lot["quantity"], lot["entry_date"]) for lot in come.values()} == {(Decimal(quantity), day)}
        self.model.lots |= come
        self.model.tags |= dict.fromkeys(come, version)

    async def change(self, place: int, quantity: str, is_fresh: bool) -> None:
        if (lot := nth(self.model.lots, place)) is None:
            return
        answer = await self.portfolio.ask("PATCH", f"/lots/{lot}", {"quantity": quantity}, tag=self._tag(lot, is_fresh))
        assert answer.status_code == (200 if is_fresh else 412)
        if is_fresh:
            self.model.lots[lot]["quantity"] = Decimal(quantity)
            assert answer.headers["etag"] == f'"{self.model.next(lot)}"'

    async def close(self, place: int, percent: int, day: str, is_fresh: bool) -> None:
        if (lot := nth(self.model.lots, place)) is None:
            return
        was = self.model.lots[lot]
        part = was["quantity"] * percent / 100
        body = {"exit_date": day, "exit_price": "3", "quantity": str(part)}
        answer = await self._post(f"/lots/{lot}/close", body, tag=self._tag(lot, is_fresh))
        if not is_fresh:
            assert answer.status_code == 412
        elif was["exit_date"] is not None:
            assert answer.status_code == 409
        elif day < was["entry_date"] or percent > 100:
            assert answer.status_code == 422
        else:
            assert answer.status_code == 200, answer.text
            closed = answer.json()["closed"]["position_id"]
            if percent == 100:
                assert closed == lot
                was |= {"exit_date": day, "exit_price": Decimal(3)}
                self.model.next(lot)
                return
            fee = round(was["entry_fee"] * part / was["quantity"], 4)
            exit_ = {"exit_date": day, "exit_price": Decimal(3)}
            self.model.lots[closed] = was | exit_ | {"quantity": part, "entry_fee": fee}
            was |= {"quantity": was["quantity"] - part, "entry_fee": was["entry_fee"] - fee}
            copied = {when: price for (of, when), price in self.model.prices.items() if of == lot}
            self.model.prices |= {(closed, when): price for when, price in copied.items()}
            self.model.next(lot, closed, *(f"{closed} {when}" for when in copied))

    async def open(self, place: int, is_fresh: bool) -> None:
        if (lot := nth(self.model.lots, place)) is None:
            return
        answer = await self.portfolio.ask("PATCH", f"/lots/{lot}", {"exit_date": None}, tag=self._tag(lot, is_fresh))
        assert answer.status_code == (200 if is_fresh else 412)
        if is_fresh:
            self.model.lots[lot] |= {"exit_date": None, "exit_price": None}
            self.model.next(lot)

    async def delete(self, place: int, is_fresh: bool) -> None:
        if (lot := nth(self.model.lots, place)) is None:
            return
        answer = await self.portfolio.ask("DELETE", f"/lots/{lot}", tag=self._tag(lot, is_fresh))
        assert answer.status_code == (200 if is_fresh else 412)
        if is_fresh:
            del self.model.lots[lot]
            self.model.next()

    async def flow(self, kind: str, amount: str, day: str) -> None:
        body = {"kind": kind, "amount": amount, "date": day}
        answer = await self._post("/cash-flows", body)
        if day <= "2024-12-12":
            assert answer.status_code == 422
            return
        flow = answer.json()["cash_flow"]["flow_id"]
        self.model.flows[flow] = flowed(body)
        assert answer.json()["version"] == self.model.next(flow)

    async def change_flow(self, place: int, amount: str, is_fresh: bool) -> None:
        if (flow := nth(self.model.flows, place)) is None:
            return
        tag = self._tag(flow, is_fresh)
        answer = await self.portfolio.ask("PATCH", f"/cash-flows/{flow}", {"amount": amount}, tag=tag)
        assert answer.status_code == (200 if is_fresh else 412)
        if is_fresh:
            self.model.flows[flow]["amount"] = Decimal(amount)
            self.model.next(flow)

    async def delete_flow(self, place: int, is_fresh: bool) -> None:
        if (flow := nth(self.model.flows, place)) is None:
            return
        answer = await self.portfolio.ask("DELETE", f"/cash-flows/{flow}", tag=self._tag(flow, is_fresh))
        assert answer.status_code == (200 if is_fresh else 412)
        if is_fresh:
            del self.model.flows[flow]
            self.model.next()

    async def price(self, place: int, price: str, day: str, is_fresh: bool) -> None:
        if (lot := nth(self.model.lots, place)) is None:
            return
        is_first, was = (lot, day) not in self.model.prices, self.model.lots[lot]
        seen = {"If-None-Match": "*"} if is_first == is_fresh else {"If-Match": f'"{self._price_tag(lot, day)}"'}
        answer = await self.portfolio.ask("PUT", f"/lots/{lot}/prices/{day}", {"price": price}, **seen)
        if was["symbol"] != "HOUSE":
            assert answer.status_code == 409
        elif day < was["entry_date"] or (was["exit_date"] is not None and day > was["exit_date"]):
            assert answer.status_code == 422
        elif not is_fresh:
            assert answer.status_code == (404 if is_first else 412)
        else:
            assert answer.headers["etag"] == f'"{self.model.next(f"{lot} {day}")}"'
            self.model.prices[lot, day] = Decimal(price)

    async def delete_price(self, place: int, is_fresh: bool) -> None:
        held = {f"{lot} {day}": (lot, day) for lot, day in self.model.prices if lot in self.model.lots}
        if (price := nth(held, place)) is None:
            return
        lot, day = held[price]
        answer = await self.portfolio.ask("DELETE", f"/lots/{lot}/prices/{day}", tag=self._tag(price, is_fresh))
        assert answer.status_code == (200 if is_fresh else 412)
        if is_fresh:
            del self.model.prices[lot, day]
            self.model.next()

    def _price_tag(self, lot: str, day: str) -> int:
        return self.model.tags.get(f"{lot} {day}", 1)

    async def again(self, place: int) -> None:
        """A request that was answered, sent again: nothing is done twice."""
        if self.model.posts:
            path, body, key, version = self.model.posts[place % len(self.model.posts)]
            answer = await self.portfolio.ask("POST", path, body, tag="*", **{"Idempotency-Key": key})
            if answer.status_code == 200:
                assert answer.json()["version"] == version
            else:
                assert answer.json()["code"] == "created_and_deleted"

    async def delete_as_a_stranger(self, place: int) -> None:
        for kind, things in (("lots", self.model.lots), ("cash-flows", self.model.flows)):
            if (thing := nth(things, place)) is not None:
                answer = await self.stranger.ask("DELETE", f"/{kind}/{thing}", tag="*")
                assert answer.status_code == 404

    async def compare(self) -> None:
        portfolio, model = self.portfolio, self.model
        ledger, answered = await portfolio.ledger(), await portfolio.answered()
        prices = {name: price for name, price in model.prices.items() if name[0] in model.lots}
        assert apart(ledger) == (model.lots, model.flows, prices)
        del answered["portfolio", portfolio.id]
        tags = {" ".join(name): said["changed_version"] for (_, *name), said in answered.items()}
        assert tags.items() <= model.tags.items()
        summary = (await portfolio.ask("GET")).json()
        assert (summary["version"], summary["positions_count"]) == (model.version, len(model.lots))
        changes = await portfolio.changes()
        assert [change["version"] for change in changes] == list(range(model.version, 0, -1))
        assert await portfolio.replayed() == ledger
        events = [body["version"] for kind, key, body in await self.layer.outbox() if key == portfolio.id]
        assert events == list(range(1, model.version + 1))


async def test_the_api_holds_what_a_plain_ledger_holds_and_its_log_replays_to_it(make_portfolio, layer):
    loop, numbers = asyncio.get_running_loop(), iter(range(1_000_000))

    async def story(chosen: list[tuple[Any, ...]]) -> None:
        play = Play(await make_portfolio(**BROUGHT), await make_portfolio("bob"), layer, lambda: f"key-{next(numbers)}")
        await play.begin()
        for edit in chosen:
            await play.do(edit)
        await play.compare()

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(st.lists(edits, min_size=15, max_size=30))
    def run(chosen: list[tuple[Any, ...]]) -> None:
        asyncio.run_coroutine_threadsafe(story(chosen), loop).result(60)

    await asyncio.to_thread(run)
