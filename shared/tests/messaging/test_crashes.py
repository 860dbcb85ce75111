"""Processes that die at the worst moments."""

from typing import Any

import pytest

DIED = 137


@pytest.mark.parametrize("point", ["consumer.before_commit", "consumer.after_commit_before_offset"])
@pytest.mark.parametrize("role", ["consumer", "idempotent_consumer"])
async def test_a_consumer_killed_around_its_commit_leaves_every_effect_once(
    ledger: Any, running: Any, eventually: Any, ledger_process: Any, dismiss: Any, role: str, point: str
) -> None:
    await ledger.say(*(ledger.deposit(account=f"a{n % 7}", n=n // 7) for n in range(70)))
    assert await ledger.relay().drain() == 70
    killed = await ledger_process(ledger, role, f"{point}:2")
    assert await killed.wait() == DIED
    await dismiss(ledger.group)
    async with running(getattr(ledger, role)()):

        async def all_there() -> bool:
            return len(await ledger.entries()) >= 70

        await eventually(all_there)
    entries = await ledger.entries()
    assert len(entries) == len({entry.event_id for entry in entries}) == 70
    for account in range(7):
        assert [entry.n for entry in entries if entry.account == f"a{account}"] == list(range(10))


@pytest.mark.parametrize("point", ["relay.after_publish_before_delete", "relay.after_delete_before_commit"])
async def test_a_relay_killed_around_its_delete_loses_nothing_and_effects_stay_single(
    ledger: Any, running: Any, eventually: Any, ledger_process: Any, read_topic: Any, point: str
) -> None:
    await ledger.say(*(ledger.deposit(account=f"a{n % 7}", n=n // 7) for n in range(70)))
    killed = await ledger_process(ledger, "relay", f"{point}:2")
    assert await killed.wait() == DIED
    assert await ledger.count("outbox") > 0
    async with running(ledger.relay()), running(ledger.consumer()):

        async def all_there() -> bool:
            return len(await ledger.entries()) >= 70

        await eventually(all_there)
    assert len(await read_topic(ledger.topic)) > 70, "the killed relay had published: something must come twice"
    entries = await ledger.entries()
    assert len(entries) == 70
    for account in range(7):
        assert [entry.n for entry in entries if entry.account == f"a{account}"] == list(range(10))
