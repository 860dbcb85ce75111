"""Makes each planned fault happen, and undoes it."""

import socket
import threading

from chaos_story.plan import (
    Fault,
    FlushValkey,
    Freeze,
    KeepValkey,
    Kill,
    Provider,
    RestoreValkey,
    ServerAway,
    Terminate,
)
from chaos_story.world import World
from local_stack.ports import LOOPBACK

LATENCY_MILLISECONDS = 400


def happen(world: World, fault: Fault, stop: threading.Event) -> None:
    """The fault from its beginning to its end; a set `stop` ends it early and still undoes it."""
    match fault:
        case Kill(place, down):
            held = world.held[place]
            with held.lock:
                held.server.kill()
                stop.wait(down)
                world.bring_up(held)
        case Freeze(place, seconds):
            held = world.held[place]
            with held.lock:
                held.server.pause()
                stop.wait(seconds)
                held.server.resume()
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
        case FlushValkey():
            _flush(world.servers.valkey.port)
        case KeepValkey():
            world.dump.take()
        case RestoreValkey():
            if world.dump.taken:
                world.dump.restore()
        case Provider(how, fraction, seconds):
            rule: dict[str, object] = {"kind": how, "fraction": fraction}
            if how == "latency":
                rule["milliseconds"] = LATENCY_MILLISECONDS
            world.set_provider(rule)
            stop.wait(seconds)
            world.set_provider()


def _flush(port: int) -> None:
    with socket.create_connection((LOOPBACK, port), timeout=5) as connection:
        connection.sendall(b"FLUSHALL\r\n")
        answer = connection.recv(64)
    if not answer.startswith(b"+OK"):
        raise OSError(f"Valkey did not flush: {answer!r}")
