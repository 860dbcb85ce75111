"""`make up`: the whole system on this machine, over a synthetic market, until Ctrl-C."""

from contextlib import ExitStack
from datetime import date
from pathlib import Path

import httpx

from local_stack.folders import temporary_folder
from local_stack.interrupts import wait_for_interrupt
from local_stack.narrator import Narrator
from local_stack.stack import Servers, Stack
from local_stack.system import System
from riskstream.runtime.clock import Clock

MARKET_SEED = 7
OWNER = "alice"
OPERATOR = "operator"


def synthetic_market(reference: date, symbols: int = 500) -> list[str]:
    """The simulator's arguments for the market of `make up` and `make demo`."""
    return ["--synthetic", "--seed", str(MARKET_SEED), "--symbols", str(symbols), "--reference", str(reference)]


def run(data: Path | None, clock: Clock | None) -> None:
    """Start everything, say where it is, and wait. Raises KeyboardInterrupt when it is told to stop."""
    narrator = Narrator()
    folder = data or temporary_folder("up")
    market = synthetic_market((clock or Clock()).today())
    with ExitStack() as closing:
        stack = closing.enter_context(Stack())
        servers = Servers(data)
        with narrator.step("Postgres, Valkey and Kafka"):
            stack.start(servers)
        with narrator.step("schemas, topics, market simulator"):
            system = closing.enter_context(System(servers, folder / "system", clock=clock, market=market))
            listed = httpx.get(f"{system.simulator.url}/_simulator/symbols", timeout=30, trust_env=False).json()
            system.add_symbols([item["symbol"] for item in listed])
        with narrator.step("symbol-batch, portfolio-refresh, onboarding, analytics"):
            system.start()
        _say_where(narrator, system, servers)
        wait_for_interrupt()


def _say_where(narrator: Narrator, system: System, servers: Servers) -> None:
    for program in system.services:
        narrator.say(f"  {program.name:18} {program.url}   [dim]/health/ready  /metrics  /docs[/dim]")
    narrator.say(f"  {'market simulator':18} {system.simulator.url}   [dim]/_simulator/health[/dim]")
    narrator.say(f"  {'postgres':18} {servers.postgres.dsn(database='riskstream')}")
    narrator.say(f"  {'kafka':18} {servers.kafka.address}")
    narrator.say(f"  {'valkey':18} {servers.valkey.url}")
    narrator.heading("Try it")
    narrator.console.print(f"export TOKEN={system.issuer.token(OWNER)}", soft_wrap=True, markup=False)
    narrator.console.print(f"export ONBOARDING={system.onboarding.url} ANALYTICS={system.analytics.url}")
    narrator.console.print(
        "curl -s -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' $ONBOARDING/portfolios -d "
        '\'{"name": "First", "positions": [{"symbol": "SPY", "quantity": "10", "entry_price": "100", '
        '"entry_date": "2024-01-02"}]}\'',
        soft_wrap=True,
        markup=False,
    )
    narrator.console.print(
        'curl -s -H "Authorization: Bearer $TOKEN" $ANALYTICS/api/v1/analytics/portfolio/<portfolio_id>/overview',
        soft_wrap=True,
        markup=False,
    )
    narrator.say("\nThe night of the last due session is running now; see it, with a token for operators:")
    narrator.console.print(
        f"export OPERATOR={system.issuer.token(OPERATOR, ['operator'])}", soft_wrap=True, markup=False
    )
    narrator.console.print(
        f'curl -s -H "Authorization: Bearer $OPERATOR" {system.symbol_batch.url}/runs',
        soft_wrap=True,
        markup=False,
    )
    narrator.say("\nCtrl-C stops everything.")
