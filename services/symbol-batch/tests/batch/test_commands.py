"""Symbols as people write them, files of them, settings, and what the service shows."""

import asyncio
import subprocess
import sys
from datetime import date
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from local_stack.issuer import ISSUER, Issuer
from riskstream.runtime.auth import TokenVerifier
from riskstream.runtime.health import Health
from riskstream.runtime.settings import AuthSettings
from riskstream.symbology import InvalidSymbolError, normalise
from symbol_batch.api import create_app
from symbol_batch.commands.universe import symbols_in
from symbol_batch.settings import CommandSettings

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword", "ignore:Series.values returning")

MONDAY = date(2025, 7, 7)


@pytest.mark.parametrize("written", ["BRK.B", "brk-b", " BRK/B ", "BRK-B"])
def test_every_way_to_write_a_share_class_is_the_dash_form(written: str) -> None:
    assert normalise(written) == "BRK-B"


@pytest.mark.parametrize("written", ["", "two words", "A,B", "X" * 30, "-", "A--B", "<b>"])
def test_what_can_be_no_symbol_is_refused(written: str) -> None:
    with pytest.raises(InvalidSymbolError):
        normalise(written)


@pytest.mark.parametrize(
    ("content", "symbols"),
    [
        ("SPY\n\n# a remark\nBRK.B\n", ["SPY", "BRK.B"]),
        ('name,symbol,sector\nSPDR,SPY,ETF\n"Berkshire, B",BRK.B,Financials\n', ["SPY", "BRK.B"]),
        ("Symbol\nSPY\n", ["SPY"]),
        ("", []),
    ],
)
def test_a_file_of_symbols_is_one_a_line_or_a_table(tmp_path: Path, content: str, symbols: list[str]) -> None:
    file = tmp_path / "symbols"
    file.write_text(content)
    assert symbols_in(file) == symbols


@pytest.mark.parametrize("value", ["0", "11"])
def test_a_provider_concurrency_beyond_ten_stops_the_process(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("RISKSTREAM_POSTGRES_DSN", "postgresql://nobody@127.0.0.1/none")
    monkeypatch.setenv("RISKSTREAM_PROVIDER_CONCURRENCY", value)
    with pytest.raises(ValidationError, match="provider_concurrency"):
        CommandSettings()


async def test_runs_and_requests_are_shown(batch, exchange, tmp_path: Path) -> None:
    missing = exchange.symbols[-1]
    exchange.fault(kind="drop", symbols=[missing])
    await batch.run_night_of(MONDAY)
    issuer = Issuer(tmp_path)
    app = create_app(batch.engine, TokenVerifier(AuthSettings(issuer=ISSUER, jwks_file=issuer.jwks_file)), Health())
    headers = {"Authorization": f"Bearer {issuer.token('tests', ['operator'])}"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        listed = (await client.get("/runs")).json()["runs"]
        assert [run["session"] for run in listed] == [MONDAY.isoformat()]
        run = (await client.get(f"/runs/{MONDAY}")).json()
        assert [step["name"] for step in run["steps"]][-1] == "publish"
        assert run["unpriced"][missing]["outcome"] == "STALE"
        absent = await client.get("/runs/2025-07-08")
        assert (absent.status_code, absent.json()["code"]) == (404, "no_such_run")
        assert (await client.get("/runs/monday")).status_code == 422
        assert (await client.get("/requests")).json() == {"requests": []}


async def test_the_command_runs_what_is_due_prints_it_and_says_by_its_exit_whether_it_failed(
    database, exchange, batch
) -> None:
    batch.clock.move_to_night_of(MONDAY)

    async def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "RISKSTREAM_POSTGRES_DSN": database.dsns["symbol_batch"],
            "RISKSTREAM_YAHOO_URL": exchange.url,
            "RISKSTREAM_CLOCK": "2025-07-07T21:00:00-04:00",
            "RISKSTREAM_HISTORY_FROM": "2024-09-03",
        }
        program = Path(sys.executable).parent / "symbol-batch"
        return await asyncio.to_thread(
            subprocess.run, [program, *arguments], env=environment, capture_output=True, text=True, check=False
        )

    exchange.fault(kind="drop", symbols=["SPY"])
    failed = await command("reconcile")
    assert failed.returncode == 1, failed.stderr
    assert "SPY STALE" in failed.stdout
    exchange.heal()
    done = await command("reconcile")
    assert done.returncode == 0, done.stderr
    assert "2025-07-07  completed  edition 1  attempt 2" in done.stdout
    again = await command("reconcile")
    assert (again.returncode, again.stdout) == (0, "nothing is due\n")
