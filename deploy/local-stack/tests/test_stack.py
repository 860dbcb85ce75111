"""The order in which a stack comes up and down, with members that write down what happens to them."""

import threading
from collections.abc import Callable

import pytest

from local_stack.stack import Stack


class Diary:
    """What happened, in order."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def member(self, name: str, during_start: Callable[[], None] = lambda: None, stops: bool = True) -> "Recorded":
        return Recorded(name, self, during_start, stops)


class Recorded:
    def __init__(self, name: str, diary: Diary, during_start: Callable[[], None], stops: bool) -> None:
        self._name, self._diary, self._during_start, self._stops = name, diary, during_start, stops
        self.closed = threading.Event()

    def start(self) -> None:
        self._during_start()
        self._diary.lines.append(f"{self._name} is up")

    def close(self) -> None:
        self.closed.set()
        self._diary.lines.append(f"{self._name} is down")
        if not self._stops:
            raise RuntimeError(f"{self._name} does not stop")


def fail() -> None:
    raise RuntimeError("no room")


def test_layers_come_down_in_the_reverse_order() -> None:
    diary = Diary()
    with Stack() as stack:
        stack.start(diary.member("database"))
        stack.start(diary.member("service"))
    assert diary.lines == ["database is up", "service is up", "service is down", "database is down"]


def test_members_of_a_layer_start_at_the_same_time() -> None:
    diary = Diary()
    both = threading.Barrier(2, timeout=5)
    with Stack() as stack:
        stack.start(*(diary.member(name, lambda: void(both.wait())) for name in "ab"))
    assert sorted(diary.lines[:2]) == ["a is up", "b is up"]


def void(_: object) -> None:
    """Forget a result."""


def test_when_one_cannot_start_everything_comes_down() -> None:
    diary = Diary()
    stack = Stack()
    stack.start(diary.member("database"))
    with pytest.raises(RuntimeError, match="no room"), stack:
        stack.start(diary.member("broken", fail), diary.member("sound"))
    assert {"database is down", "sound is down", "broken is down"} <= set(diary.lines)
    assert diary.lines[-1] == "database is down"


def test_a_failure_does_not_wait_for_a_slow_start() -> None:
    diary = Diary()
    slow = diary.member("slow")
    closed_in_time: list[bool] = []
    slow._during_start = lambda: closed_in_time.append(slow.closed.wait(5))
    with pytest.raises(RuntimeError, match="no room"), Stack() as stack:
        stack.start(slow, diary.member("broken", fail))
    assert closed_in_time == [True]


def test_a_member_that_does_not_stop_hinders_no_other_and_is_reported() -> None:
    diary = Diary()
    stack = Stack()
    stack.start(diary.member("database"))
    stack.start(diary.member("stubborn", stops=False), diary.member("service"))
    with pytest.raises(ExceptionGroup) as caught:
        stack.close()
    assert [str(error) for error in caught.value.exceptions] == ["stubborn does not stop"]
    assert diary.lines[-1] == "database is down"
    assert "service is down" in diary.lines
