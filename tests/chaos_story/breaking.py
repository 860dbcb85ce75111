"""Makes each planned fault happen, and undoes it."""

import socket
import threading
from contextlib import ExitStack

from chaos_story.freezing import frozen
from chaos_story.plan import (
    Fault,
    FlushValkey,
    Freeze,
    FreezeServer,
    KeepValkey,
    Kill,
    Provider,
    RestoreValkey,
    ServerAway,
    Terminate,
    WipeKafka,
)
from chaos_story.world import World
from local_stack.ports import LOOPBACK

MILLISECONDS = {"latency": 400, "hang": 60_000}
"""Of what takes time: a little, and longer than anybody waits."""


def happen(world: World, fault: Fault, stop: threading.Event) -> None:
    """The fault from its beginning to its end; a set `stop` ends it early and still undoes it."""
    match fault:
        case Kill(place, down):
            held = world.held[place]
            with held.lock:
                held.server.kill()
                stop.wait(down)
                world.bring_up(held)
        case Freeze(name, seconds) | FreezeServer(name, seconds):
            held = world.held[name]
            with held.lock, frozen(held.server):
                stop.wait(seconds)
        case Terminate(place):
            held = world.held[place]
            with held.lock:
                held.server.stop()
                world.bring_up(held)
        case ServerAway(name, killed, down):
            held = world.held[name]
            with held.lock:
                held.server.kill() if killed else held.server.stop()
                stop.wait(down)
                world.bring_up(held)
        case WipeKafka():
            with ExitStack() as deafness:
                for place in fault.deaf:
                    held = world.held[place]
                    deafness.enter_context(held.lock)
                    deafness.enter_context(frozen(held.server))
                stop.wait(fault.seconds)
                _wipe(world, fault, stop)
        case FlushValkey():
            _flush(world.servers.valkey.port)
        case KeepValkey():
            world.dump.take()
        case RestoreValkey():
            if world.dump.taken:
                world.dump.restore()
        case Provider(how, fraction, seconds):
            world.set_provider({"kind": how, "fraction": fraction, "milliseconds": MILLISECONDS.get(how, 0)})
            stop.wait(seconds)
            world.set_provider()


def _wipe(world: World, fault: WipeKafka, stop: threading.Event) -> None:
    held = world.held["kafka"]
    with held.lock:
        held.server.kill() if fault.killed else held.server.stop()
        world.eras.end()
        stop.wait(fault.down)
        world.bring_up(held)
        stop.wait(fault.without_topics)
        world.make_topics()


def _flush(port: int) -> None:
    with socket.create_connection((LOOPBACK, port), timeout=5) as connection:
        connection.sendall(b"FLUSHALL\r\n")
        answer = connection.recv(64)
    if not answer.startswith(b"+OK"):
        raise OSError(f"Valkey did not flush: {answer!r}")
