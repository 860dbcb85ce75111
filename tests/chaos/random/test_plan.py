"""The generator: a seed is a story."""

from itertools import islice
from typing import get_args

from chaos_story.plan import (
    EDITS,
    Create,
    Edit,
    Fault,
    FreezeServer,
    Misbehaviour,
    Operation,
    Provider,
    ServerAway,
    ServerName,
    Wait,
    faults,
    operations,
)

LENGTH = 400
DECK = 26
PEOPLES_DECK = 27


def test_the_same_seed_makes_the_same_operations_and_faults() -> None:
    for sequence in (operations, faults):
        assert list(islice(sequence(5), LENGTH)) == list(islice(sequence(5), LENGTH))


def test_another_seed_makes_another_story() -> None:
    for sequence in (operations, faults):
        assert list(islice(sequence(5), LENGTH)) != list(islice(sequence(6), LENGTH))


def test_a_longer_story_begins_as_a_shorter_one() -> None:
    assert list(islice(faults(5), LENGTH))[:50] == list(islice(faults(5), 50))


def test_every_kind_comes_up_within_one_deck() -> None:
    dealt = list(islice(operations(1), 2 + PEOPLES_DECK))
    assert {type(step) for step in dealt} == set(get_args(Operation))
    assert {step.kind for step in dealt if isinstance(step, Edit)} == set(EDITS)
    early = [step for step in islice(faults(1), 2 * DECK) if not isinstance(step, Wait)]
    assert {type(step) for step in early} == set(get_args(Fault))
    for kind in (ServerAway, FreezeServer):
        assert {step.server for step in early if isinstance(step, kind)} == set(get_args(ServerName))
    assert {step.how for step in early if isinstance(step, Provider)} == set(get_args(Misbehaviour))


def test_a_story_begins_with_something_to_read() -> None:
    assert all(isinstance(step, Create) for step in islice(operations(9), 2))
