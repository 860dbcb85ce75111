"""The process in which Yahoo's client works: it answers what `yahoo_processes` asks, until that says no more.

It has no pace of its own. Each of its requests waits for a turn from there, and what came back is told.
"""

import asyncio
import itertools
import signal
import socket
import sys
import threading
from concurrent.futures import Future
from contextlib import suppress

from riskstream.runtime.clock import clock_from_environment
from riskstream.runtime.logs import configure_logs
from symbol_batch.providers.channel import Channel
from symbol_batch.providers.http_session import Closed, Headers, RequestHook
from symbol_batch.providers.provider import Offer
from symbol_batch.providers.turns import IS_URGENT
from symbol_batch.providers.yahoo import YahooProvider
from symbol_batch.providers.yahoo_messages import Alive, Question, Reply, Responded, SetUp, TurnGiven, TurnWanted


class TurnsFromParent(RequestHook):
    """Worker threads wait here until their request is given a turn."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._loop = asyncio.get_running_loop()
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._waiting: dict[int, Future[None]] = {}
        self._is_closed = False
        self._mine = threading.local()

    def before_request(self) -> None:
        number, turn = next(self._numbers), Future[None]()
        with self._lock:
            if self._is_closed:
                raise Closed
            self._waiting[number] = turn
        self._send(TurnWanted(number, IS_URGENT.get()))
        turn.result()
        self._mine.number = number

    def after_response(self, status: int | None, headers: Headers) -> None:
        # As a plain mapping, which tells names in other cases apart.
        told = {name.lower(): said for name, said in headers.items()}
        self._send(Responded(self._mine.number, status, told))

    def take(self, given: TurnGiven) -> None:
        """Let the request go, or send it away. One that was sent away before is not there any more."""
        with self._lock:
            turn = self._waiting.pop(given.number, None)
        if turn is None:
            return
        if given.refused is None:
            turn.set_result(None)
        else:
            turn.set_exception(given.refused)

    def closing(self) -> None:
        with self._lock:
            self._is_closed = True
            waiting, self._waiting = self._waiting, {}
        for turn in waiting.values():
            turn.set_exception(Closed())

    def _send(self, message: object) -> None:
        # Without a loop there is nobody left to tell.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._channel.send, message)


async def serve(end: socket.socket) -> None:
    """Answer questions until no more will come; then end what is under way. Whatever fails here ends the process, and
    with it the questions: who asked is told so.
    """
    channel = await Channel.over(end)
    try:
        with suppress(EOFError):
            await _serve(channel, await channel.receive())
    finally:
        await channel.aclose()


async def _serve(channel: Channel, set_up: SetUp) -> None:
    configure_logs(set_up.log_service, clock_from_environment(), set_up.log_format, set_up.log_level)
    turns = TurnsFromParent(channel)
    provider = YahooProvider(base=set_up.base, concurrency=set_up.concurrency, deadline=set_up.deadline, hook=turns)

    async def answer(question: Question) -> None:
        IS_URGENT.set(question.is_urgent)
        answered = await getattr(provider, question.offer)(*question.arguments)
        channel.send(Reply(question.number, answered[0] if question.offer is Offer.SESSION else answered))

    async def live() -> None:
        while True:
            channel.send(Alive())
            await asyncio.sleep(set_up.heartbeat)

    async with asyncio.TaskGroup() as answering:
        living = answering.create_task(live())
        try:
            while True:
                match await channel.receive():
                    case Question() as question:
                        answering.create_task(answer(question))
                    case TurnGiven() as given:
                        turns.take(given)
        except EOFError:
            await provider.aclose()
            living.cancel()


def main() -> None:
    """`python -m symbol_batch.providers.yahoo_child DESCRIPTOR`: the socket at whose other end questions come from."""
    # It ends when that end does, be it closed or killed; who stops a service stops the parent.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    asyncio.run(serve(socket.socket(fileno=int(sys.argv[1]))))


if __name__ == "__main__":
    main()
