import os
import subprocess
import sys
import urllib.request
from contextlib import contextmanager

import pytest

from market_simulator.main import main


@contextmanager
def running(*arguments: str, clock: str = "2025-07-09T21:00:00-04:00"):
    command = [sys.executable, "-m", "market_simulator.main", *arguments]
    environment = {**os.environ, "RISKSTREAM_CLOCK": clock}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        assert process.wait(timeout=10) in (0, -15)


def read(address: str) -> str:
    with urllib.request.urlopen(address, timeout=10) as answer:
        return answer.read().decode()


def test_the_command_says_its_address_and_serves_there(tmp_path):
    written = tmp_path / "address"
    with running("--synthetic", "--symbols", "20", "--address-file", str(written)) as address:
        assert '"last_session":"2025-07-09"' in read(f"{address}/_simulator/health")
        assert written.read_text() == address + "\n"


def test_a_fault_of_the_command_line_is_in_force_from_the_start():
    with running("--synthetic", "--symbols", "20", "--fault", '{"kind": "error"}') as address:
        assert '"kind":"error"' in read(f"{address}/_simulator/faults")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--synthetic", "--file", "prices.parquet"],
        ["--synthetic", "--symbols", "3"],
        ["--synthetic", "--fault", '{"kind": "explode"}'],
        ["--file", "absent.parquet"],
    ],
    ids=["no market", "two markets", "too few symbols", "no such fault", "no such file"],
)
def test_wrong_arguments_end_with_a_usage_message(arguments, capsys):
    with pytest.raises(SystemExit) as ending:
        main(arguments)
    assert ending.value.code == 2
    assert "market-simulator: error:" in capsys.readouterr().err
