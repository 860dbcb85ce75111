"""One child process that asks Yahoo, from its start to its end, as its parent has it."""

import asyncio
import itertools
import socket
import sys
from concurrent.futures import Future
from functools import partial
from typing import Any, Protocol

import structlog

from symbol_batch.providers.channel import Channel
from symbol_batch.providers.http_session import Closed, Headers, NotSent
from symbol_batch.providers.provider import Answer, Offer
from symbol_batch.providers.turns import IS_URGENT
from symbol_batch.providers.yahoo_messages import Question, Reply, Responded, SetUp, TurnGiven, TurnWanted

CHILD = "symbol_batch.providers.yahoo_child"
ENDING_SECONDS = 8.0
"""For a child to end what is under way, of which its pool of threads takes up to five; then it is killed."""

log = structlog.get_logger(__name__)


class Line(Protocol):
    """Where requests wait for their turn, on the event loop: `Turns`."""

    def join(self, *, is_urgent: bool) -> "Future[int]": ...

    def learn(self, epoch: int, status: int | None, headers: Headers) -> None: ...


class ChildEnded(Exception):
    """The process that was to answer is gone; the message says how it ended."""


class YahooConversation:
    """Starts the child, asks it, and gives its requests their turns."""

    def __init__(self, line: Line, set_up: SetUp) -> None:
        self._line = line
        self._set_up = set_up
        self._was_heard = False
        self._stood_still = False
        self._loop = asyncio.get_running_loop()
        self._numbers = itertools.count()
        self._unsent: list[object] = [set_up]
        self._channel: Channel | None = None
        self._asked: dict[int, asyncio.Future[Answer]] = {}
        self._epochs: dict[int, int] = {}
        """Of the requests that have gone, by their number."""
        self._is_closing = False
        self._process: asyncio.subprocess.Process | None = None
        self._running = asyncio.create_task(self._run())

    @property
    def has_ended(self) -> bool:
        return self._running.done()

    @property
    def unanswered(self) -> int:
        """Questions that the child works on, also those whose answer nobody wants any more."""
        return len(self._asked)

    async def ask(self, offer: Offer, *arguments: Any) -> Answer:
        """The one answer that the method of `offer` gives. ChildEnded where there will be none."""
        number = next(self._numbers)
        answer: asyncio.Future[Answer] = self._loop.create_future()
        self._asked[number] = answer
        self._send(Question(number, offer, arguments, IS_URGENT.get()))
        return await answer

    async def aclose(self) -> None:
        """Let the child end what is under way; what it has not ended soon is not waited for."""
        self._is_closing = True
        if self._channel is not None:
            self._channel.end()
        await asyncio.wait({self._running}, timeout=ENDING_SECONDS)
        if self._process is not None and not self.has_ended:
            self._process.kill()
        await self._running

    async def _run(self) -> None:
        how = "could not be started"
        try:
            code = await self._talk()
            how = f"stood still for {self._set_up.silence:g} s" if self._stood_still else f"ended with code {code}"
        except OSError as error:
            how = f"could not be started ({error})"
        finally:
            self._send_all_away(how)

    async def _talk(self) -> int:
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", CHILD, str(theirs.fileno())),
                    stdin=asyncio.subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,
                )
        except BaseException:
            ours.close()
            raise
        channel = await Channel.over(ours)
        watching = asyncio.create_task(self._watch(self._process))
        try:
            self._begin(channel)
            while True:
                self._take(channel, await channel.receive())
        except EOFError:
            return await self._ended(self._process)
        finally:
            watching.cancel()
            await channel.aclose()

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """Kill the child when it has said nothing for too long. Heartbeats are counted, not seconds: where this process
        itself stood still, what the child said meanwhile is read before the next is counted.
        """
        silent = 0.0
        while silent < self._set_up.silence:
            await asyncio.sleep(self._set_up.heartbeat)
            silent = 0.0 if self._was_heard else silent + self._set_up.heartbeat
            self._was_heard = False
        self._stood_still = True
        if process.returncode is None:
            process.kill()

    def _begin(self, channel: Channel) -> None:
        self._channel = channel
        for message in self._unsent:
            channel.send(message)
        self._unsent.clear()
        if self._is_closing:
            channel.end()

    def _take(self, channel: Channel, message: object) -> None:
        self._was_heard = True
        match message:
            case TurnWanted(number, is_urgent):
                turn = self._line.join(is_urgent=is_urgent)
                # On this loop, where the line gives its turns.
                turn.add_done_callback(partial(self._pass_on, channel, number))
            case Responded(number, status, headers):
                self._line.learn(self._epochs.pop(number), status, headers)
            case Reply(number, answer):
                asked = self._asked.pop(number)
                if not asked.done():
                    asked.set_result(answer)

    def _pass_on(self, channel: Channel, number: int, turn: "Future[int]") -> None:
        refused = turn.exception()
        if refused is None:
            self._epochs[number] = turn.result()
            channel.send(TurnGiven(number))
        else:
            assert isinstance(refused, NotSent | Closed)
            channel.send(TurnGiven(number, refused))

    async def _ended(self, process: asyncio.subprocess.Process) -> int:
        """Its exit code. One that has closed its end and lives on is killed."""
        try:
            async with asyncio.timeout(ENDING_SECONDS):
                return await process.wait()
        except TimeoutError:
            process.kill()
            return await process.wait()

    def _send(self, message: object) -> None:
        if self._channel is None:
            self._unsent.append(message)
        else:
            self._channel.send(message)

    def _send_all_away(self, how: str) -> None:
        if not self._is_closing:
            log.warning("the process that asks yahoo is gone", how=how, unanswered=len(self._asked))
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(ChildEnded(f"no answer: the process that asks yahoo {how}"))
        self._asked.clear()
