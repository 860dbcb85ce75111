"""What no service writes into its log, whatever goes wrong."""

import subprocess
import sys
import time
from pathlib import Path

SERVICES = ("symbol_batch", "portfolio_refresh", "onboarding", "analytics")
ENVIRONMENT = {
    "PATH": "",
    "RISKSTREAM_POSTGRES_DSN": "postgresql://svc:pa55word-db@127.0.0.1:1/risk",
    "RISKSTREAM_REDIS_URL": "redis://:pa55word-redis@127.0.0.1:1/0",
    "RISKSTREAM_KAFKA": "127.0.0.1:1",
    "RISKSTREAM_AUTH_ISSUER": "http://127.0.0.1:1",
    "RISKSTREAM_HTTP_PORT": "0",
    "RISKSTREAM_LOG_LEVEL": "DEBUG",
}


def test_no_service_logs_its_passwords_while_nothing_can_be_reached(tmp_path: Path) -> None:
    files = {service: tmp_path / service for service in SERVICES}
    processes = [
        subprocess.Popen([sys.executable, "-m", f"{service}.main"], env=ENVIRONMENT, stdout=out, stderr=out)
        for service, file in files.items()
        for out in [file.open("w")]
    ]
    try:
        deadline = time.monotonic() + 30
        while not all('"event": "started"' in file.read_text() for file in files.values()):
            assert time.monotonic() < deadline, [file.read_text()[-500:] for file in files.values()]
            time.sleep(0.1)
        time.sleep(1.5)  # some attempts to reach what is not there
    finally:
        for process in processes:
            process.kill()
            process.wait()
    for service, file in files.items():
        assert "pa55word" not in file.read_text(), service
        assert "Errno 111" in file.read_text(), f"{service} has tried"
