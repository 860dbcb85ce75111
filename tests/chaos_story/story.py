"""One story from its first night to the checker's verdict."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from chaos_story import calm, plan
from chaos_story.breaking import happen
from chaos_story.checker import findings, unheard
from chaos_story.doing import Doer
from chaos_story.history import History
from chaos_story.readers import Readers
from chaos_story.settling import settle
from chaos_story.world import World
from own_system.servers import OwnServers

Say = Callable[[str], None]

PROGRESS_SECONDS = 15.0


@dataclass
class Report:
    """What a story came to."""

    seed: int
    seconds: float
    history: History
    events: int = 0
    valuations: int = 0
    nights: int = 0
    revisions: int = 0
    rows_compared: int = 0
    unheard: int = 0
    findings: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """For people."""
        history = self.history
        counts = [
            f"seed {self.seed}, {self.seconds:.0f} s of faults",
            f"operations {sum(history.operations.values())}: {_listed(history.operations)}",
            f"faults {sum(history.faults.values())}: {_listed(history.faults)}",
            f"answers {len(history.answers)}: {_listed(history.statuses())}",
            f"{self.nights} nights, {self.revisions} revised histories, {self.valuations} valuations, "
            f"{self.events} events ({self.unheard} wiped unheard), "
            f"{self.rows_compared} rows compared with a calm recomputation",
            f"findings {len(self.findings)}",
        ]
        return counts + [f"  - {finding}" for finding in self.findings]


def play(servers: OwnServers, folder: Path, seed: int, seconds: float, say: Say) -> Report:
    """Play the story of `seed` for so long, let the system settle, and judge.

    The sequences of operations and faults are the seed's; how many of each fit into the time is the machine's.
    """
    history = History()
    with World(servers, folder, history, say) as world:
        say(f"the first night is over; seed {seed}, {seconds:.0f} s of operations and faults from here")
        began = time.monotonic()
        with Readers(world, seed):
            _storm(world, seed, seconds)
            lasted = time.monotonic() - began
            say("the last fault is over; waiting for calm")
            evidence = settle(world)
        world.stop_programs()
        rows, different = calm.differences(world.system.database)
        return Report(
            seed,
            lasted,
            history,
            events=len(evidence.events),
            valuations=len(evidence.ledger),
            nights=len(evidence.tables["editions"]),
            revisions=len(evidence.tables["revisions"]),
            rows_compared=rows,
            unheard=len(unheard(evidence)),
            findings=findings(evidence) + different,
        )


def _storm(world: World, seed: int, seconds: float) -> None:
    stop = threading.Event()
    doer = Doer(world, stop)
    operations = threading.Thread(target=_operate, args=(world, doer, seed, stop))
    faults = threading.Thread(target=_break, args=(world, seed, stop))
    operations.start()
    faults.start()
    try:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            time.sleep(min(PROGRESS_SECONDS, left))
            history = world.history
            done = f"{sum(history.operations.values())} operations, {sum(history.faults.values())} faults"
            world.say(f"{done}; answers {_listed(history.statuses())}")
    finally:
        stop.set()
        operations.join()
        faults.join()
        doer.close()
    world.set_provider()


def _operate(world: World, doer: Doer, seed: int, stop: threading.Event) -> None:
    for operation in plan.operations(seed):
        if stop.is_set():
            return
        name = type(operation).__name__
        if not isinstance(operation, plan.Wait):
            world.history.operations[name] += 1
        if isinstance(operation, plan.Night | plan.SecondRun):
            world.say(f"  {operation}")
        try:
            doer.do(operation)
        except Exception as error:  # a step that fails is a finding, and the story goes on
            world.history.accident(f"{operation} failed: {error!r}")


def _break(world: World, seed: int, stop: threading.Event) -> None:
    for fault in plan.faults(seed):
        if stop.is_set():
            return
        if isinstance(fault, plan.Wait):
            stop.wait(fault.seconds)
            continue
        world.history.faults[type(fault).__name__] += 1
        world.say(f"  {fault}")
        try:
            happen(world, fault, stop)
        except Exception as error:  # a fault that cannot be undone is a finding, and the story goes on
            world.history.accident(f"{fault} failed: {error!r}")


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
