"""What a server's absence does to readiness."""

from riskstream.runtime.probe import NotLetIn, Probe


class Server:
    def __init__(self) -> None:
        self.up = False
        self.time = 0.0

    async def ask(self) -> None:
        if not self.up:
            raise ConnectionRefusedError("nobody at postgresql://role:sesame@host/db")


async def test_a_server_that_is_needed_makes_unready_whenever_it_is_away() -> None:
    server = Server()
    probe = Probe("postgres", server.ask, monotonic=lambda: server.time)
    assert not probe.state().ready, "nobody has asked yet"
    await probe.look()
    server.time = 1e6
    assert not probe.state().ready
    assert "nobody at" in probe.state().detail["reason"]
    assert "sesame" not in str(probe.state())
    server.up = True
    await probe.look()
    assert probe.state().ready
    server.up = False
    await probe.look()
    assert not probe.state().ready
    assert probe.state().live


async def test_a_server_that_can_be_done_without_is_waited_for_at_the_start_and_not_for_ever() -> None:
    server = Server()
    probe = Probe("redis", server.ask, patience=60, monotonic=lambda: server.time)
    await probe.look()
    server.time = 59
    assert not probe.state().ready
    server.time = 60
    assert probe.state().ready


async def test_a_server_that_was_there_once_may_go_if_it_can_be_done_without() -> None:
    server = Server()
    server.up = True
    probe = Probe("redis", server.ask, patience=60, monotonic=lambda: server.time)
    await probe.look()
    server.up = False
    await probe.look()
    assert probe.state().ready
    assert probe.state().detail["reachable"] is False


async def test_a_server_that_never_let_us_in_is_not_done_without_however_long_it_is_waited_for() -> None:
    server, turned_away = Server(), True

    async def ask() -> None:
        if turned_away:
            raise NotLetIn("wrong password")
        await server.ask()

    probe = Probe("kafka", ask, patience=60, monotonic=lambda: server.time)
    server.time = 1e6
    await probe.look()
    assert not probe.state().ready
    assert "wrong password" in probe.state().detail["reason"]
    turned_away = False
    await probe.look()
    assert probe.state().ready, "now it is only away"
    turned_away, server.up = False, True
    await probe.look()
    turned_away = True
    await probe.look()
    assert probe.state().ready, "a password that has changed since takes nobody out of service"
