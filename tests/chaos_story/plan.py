"""The generator: from a seed, an endless sequence of operations and one of faults. It knows nothing of any system.

Kinds are dealt from shuffled decks, so that each comes up once before any comes up again.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar, get_args

Place: TypeAlias = Literal[
    "symbol-batch", "onboarding", "portfolio-refresh-1", "portfolio-refresh-2", "analytics-1", "analytics-2"
]
ServerName: TypeAlias = Literal["kafka", "postgres", "valkey"]
Misbehaviour: TypeAlias = Literal["refuse", "html", "error", "latency", "hang"]

PLACES: tuple[Place, ...] = (
    "symbol-batch",
    "onboarding",
    "portfolio-refresh-1",
    "portfolio-refresh-2",
    "analytics-1",
    "analytics-2",
)


REFRESHERS: tuple[Place, ...] = ("portfolio-refresh-1", "portfolio-refresh-2")


@dataclass(frozen=True, slots=True)
class Create:
    """A portfolio. Symbols are numbers, taken modulo what there is; a stranger is one that nobody has asked for."""

    number: int
    owner: int
    symbols: tuple[int, ...]
    quantities: tuple[int, ...]
    stranger: int | None
    nonexistent: bool
    private: bool
    """Also something without a market, worth what its owner says."""
    declared_equity: int | None
    sessions_back: int
    sent_twice: bool


@dataclass(frozen=True, slots=True)
class Delete:
    """The portfolio of this number, modulo those created so far."""

    which: int


EditKind: TypeAlias = Literal[
    "add lot", "change lot", "close lot", "close part", "remove lot", "deposit", "withdraw", "fee", "price"
]
EDITS: tuple[EditKind, ...] = get_args(EditKind)


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of what is in a portfolio: which one, and which lot of it, are taken modulo what there is then."""

    number: int
    kind: EditKind
    which: int
    lot: int
    symbol: int
    quantity: int
    amount: int
    sessions_back: int
    sent_twice: bool


@dataclass(frozen=True, slots=True)
class Night:
    """The next session is over: every program is restarted with a later clock, two at a time in this order."""

    order: tuple[Place, ...]
    correction: tuple[int, int]
    """A symbol, and how many sessions before this one its provider has changed a close since yesterday."""


@dataclass(frozen=True, slots=True)
class SecondRun:
    """The night is run by hand beside the service."""


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: float


Operation: TypeAlias = Create | Delete | Edit | Night | SecondRun | Wait


@dataclass(frozen=True, slots=True)
class Kill:
    """kill -9, and a start some seconds later."""

    place: Place
    down: float


@dataclass(frozen=True, slots=True)
class Freeze:
    """SIGSTOP, and SIGCONT some seconds later: shorter or longer than sessions and leases."""

    place: Place
    seconds: float


@dataclass(frozen=True, slots=True)
class Terminate:
    """SIGTERM, and a start."""

    place: Place


@dataclass(frozen=True, slots=True)
class ServerAway:
    server: ServerName
    killed: bool
    down: float


@dataclass(frozen=True, slots=True)
class FreezeServer:
    """Its connections stay open and nobody answers, for some seconds."""

    server: ServerName
    seconds: float


@dataclass(frozen=True, slots=True)
class WipeKafka:
    """It comes back as a new one, without records, groups and topics; then the topics are made again."""

    deaf: tuple[Place, ...]
    """Frozen from some seconds before until it is over: what is said meanwhile is never heard."""
    seconds: float
    killed: bool
    down: float
    without_topics: float
    """Seconds between its return and its topics."""


@dataclass(frozen=True, slots=True)
class FlushValkey:
    pass


@dataclass(frozen=True, slots=True)
class KeepValkey:
    """Keep a copy of its file, for later."""


@dataclass(frozen=True, slots=True)
class RestoreValkey:
    """Start it from the copy kept last."""


@dataclass(frozen=True, slots=True)
class Provider:
    """The market data provider misbehaves for a while."""

    how: Misbehaviour
    fraction: float
    seconds: float


Fault: TypeAlias = (
    Kill
    | Freeze
    | Terminate
    | ServerAway
    | FreezeServer
    | WipeKafka
    | FlushValkey
    | KeepValkey
    | RestoreValkey
    | Provider
)

Step = TypeVar("Step")
Card = TypeVar("Card")


def operations(seed: int) -> Iterator[Operation]:
    """What people and time do. The first two are creations."""
    dice = random.Random(f"operations {seed}")
    numbers = iter(range(1_000_000))
    kinds = _shuffled(dice, EDITS)

    def create() -> Operation:
        return _creation(dice, next(numbers))

    def delete() -> Operation:
        return Delete(dice.randrange(1_000_000))

    def edit() -> Operation:
        return _edit(dice, next(numbers), next(kinds))

    def night() -> Operation:
        return Night(tuple(dice.sample(PLACES, len(PLACES))), (dice.randrange(1_000), dice.randint(1, 3)))

    deck: list[Callable[[], Operation]] = [create] * 8 + [edit] * 12 + [delete] * 2 + [night, SecondRun]
    deck += [lambda: Wait(round(dice.uniform(0.2, 2.0), 2))] * 3
    yield create()
    yield create()
    yield from _dealt(dice, deck)


def faults(seed: int) -> Iterator[Fault | Wait]:
    """What breaks, one after the other with pauses between."""
    dice = random.Random(f"faults {seed}")
    kinds: tuple[Misbehaviour, ...] = ("refuse", "html", "error", "latency", "hang")
    servers: tuple[ServerName, ...] = ("kafka", "postgres", "valkey")

    def place() -> Place:
        return dice.choice(PLACES)

    def away(server: ServerName) -> Callable[[], Fault]:
        return lambda: ServerAway(server, dice.random() < 0.5, round(dice.uniform(0, 6), 2))

    def frozen(server: ServerName) -> Callable[[], Fault]:
        return lambda: FreezeServer(server, round(dice.uniform(1, 6), 2))

    def wiped() -> Fault:
        deaf = (*REFRESHERS, "symbol-batch") if dice.random() < 0.5 else REFRESHERS
        return WipeKafka(
            deaf=deaf,
            seconds=round(dice.uniform(1, 6), 2),
            killed=dice.random() < 0.5,
            down=round(dice.uniform(0, 2), 2),
            without_topics=round(dice.uniform(0, 2), 2),
        )

    def provider(how: Misbehaviour) -> Callable[[], Fault]:
        return lambda: Provider(how, round(dice.uniform(0.1, 1.0), 2), round(dice.uniform(1, 5), 2))

    deck: list[Callable[[], Fault]] = [lambda: Kill(place(), round(dice.uniform(0, 3), 2))] * 5
    deck += [lambda: Freeze(place(), round(dice.uniform(0.5, 12), 2))] * 4
    deck += [lambda: Terminate(place())] * 2
    deck += [away(server) for server in servers]
    deck += [frozen(server) for server in servers]
    deck += [wiped, FlushValkey, KeepValkey, RestoreValkey]
    deck += [provider(how) for how in kinds]
    for fault in _dealt(dice, deck):
        yield fault
        yield Wait(round(dice.uniform(0, 2), 2))


def _dealt(dice: random.Random, deck: Sequence[Callable[[], Step]]) -> Iterator[Step]:
    for make in _shuffled(dice, deck):
        yield make()


def _shuffled(dice: random.Random, deck: Sequence[Card]) -> Iterator[Card]:
    while True:
        yield from dice.sample(deck, len(deck))


def _edit(dice: random.Random, number: int, kind: EditKind) -> Edit:
    return Edit(
        number=number,
        kind=kind,
        which=dice.randrange(1_000_000),
        lot=dice.randrange(1_000),
        symbol=dice.randrange(1_000),
        quantity=dice.choice([-12, -3, 2, 8, 25]),
        amount=dice.randrange(1, 500),
        sessions_back=dice.choice([0, 0, 1, 4]),
        sent_twice=dice.random() < 0.2,
    )


def _creation(dice: random.Random, number: int) -> Create:
    held = dice.randint(1, 6)
    return Create(
        number=number,
        owner=dice.randrange(3),
        symbols=tuple(dice.sample(range(1_000), held)),
        quantities=tuple(dice.choice([-30, -7, 5, 10, 40]) for _ in range(held)),
        stranger=dice.randrange(1_000) if dice.random() < 0.25 else None,
        nonexistent=dice.random() < 0.1,
        private=dice.random() < 0.4,
        declared_equity=dice.randrange(10_000, 90_000) if dice.random() < 0.5 else None,
        sessions_back=dice.choice([0, 0, 1, 3, 20]),
        sent_twice=dice.random() < 0.2,
    )
