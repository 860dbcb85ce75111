"""What the demo in containers has beside the services: an issuer that they can ask for its keys, and sample portfolios.

`python -m local_stack.compose_demo issuer | token | samples`; it needs nothing beyond what the simulator needs.
"""

import argparse
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar, get_args

from local_stack.issuer import OWN_DATA, Issuer
from riskstream.runtime.auth import Scope

ADDRESS = "http://issuer:8000"
"""Where the services find the issuer, which is its name too (OpenID Connect Discovery 1.0, section 4.3)."""
KEYS = Path("/var/lib/riskstream")
SIMULATOR, SYMBOL_BATCH, ONBOARDING = (
    "http://market-simulator:8000",
    "http://symbol-batch:8000",
    "http://onboarding:8000",
)
OWNER = "alice"
HELD_DAYS = 40
"""So long before the market's last session the samples were bought."""
PATIENCE_SECONDS = 900.0

Found = TypeVar("Found")


class NotInTimeError(Exception):
    """What the samples wait for did not come about."""


def serve_keys(issuer: Issuer, address: str, port: int) -> ThreadingHTTPServer:
    """A server, bound and not running yet, of the issuer's configuration and public keys; of nothing else."""
    documents = {
        "/.well-known/openid-configuration": json.dumps({"issuer": address, "jwks_uri": f"{address}/jwks.json"}),
        "/jwks.json": issuer.jwks_file.read_text(),
    }

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            document = documents.get(self.path)
            if document is None:
                return self.send_error(HTTPStatus.NOT_FOUND)
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(document.encode())
            return None

        def log_message(self, *_: object) -> None:
            """Nothing: services ask every few minutes."""

    return ThreadingHTTPServer(("", port), Answer)


def sample_books(listed: Sequence[Mapping[str, Any]], bought: date) -> list[dict[str, Any]]:
    """What is posted to onboarding: a long book, a long and short one, and one idea, in the market's own stocks."""
    long_before = str(bought - timedelta(days=400))  # so that all of their exposures can be estimated
    stocks = [
        item["symbol"]
        for item in listed
        if item["listed"] and item["type"] == "EQUITY" and item["first_session"] < long_before
    ]
    books: dict[str, tuple[str | None, list[tuple[str, int]]]] = {
        "Growth and income": (None, [("SPY", 40), *((symbol, 100) for symbol in stocks[:12])]),
        "Long and short": ("400000.00", [(s, 80 if n % 2 else -80) for n, s in enumerate(stocks[10:22])]),
        "One idea": ("100000.00", [(stocks[25], 500)]),
    }
    return [
        {
            "name": name,
            "declared_equity": equity,
            "positions": [
                {"symbol": symbol, "quantity": str(quantity), "entry_price": "100", "entry_date": str(bought)}
                for symbol, quantity in holdings
            ],
        }
        for name, (equity, holdings) in books.items()
    ]


def create_samples(issuer: Issuer) -> list[tuple[str, str]]:
    """Wait for the market's first night, create the samples that are not there yet, wait until all are ready.

    Their names and ids. Raises NotInTimeError, and OSError where a service refuses.
    """
    operator = issuer.token("demo", ["operator"])
    _wait_for("the first night", lambda: _is_published(_ask(f"{SYMBOL_BATCH}/runs", operator)))
    last = date.fromisoformat(_ask(f"{SIMULATOR}/_simulator/health")["last_session"])
    owner = issuer.token(OWNER)
    there = {item["name"] for item in _ask(f"{ONBOARDING}/portfolios", owner)["portfolios"]}
    for book in sample_books(_ask(f"{SIMULATOR}/_simulator/symbols"), last - timedelta(days=HELD_DAYS)):
        if book["name"] not in there:
            _ask(f"{ONBOARDING}/portfolios", owner, book)

    def all_ready() -> list[dict[str, Any]]:
        mine: list[dict[str, Any]] = _ask(f"{ONBOARDING}/portfolios", owner)["portfolios"]
        return mine if all(item["status"] == "ready" for item in mine) else []

    return [(item["name"], item["portfolio_id"]) for item in _wait_for("the samples' valuations", all_ready)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; 1 with a sentence where it could not do its work."""
    chosen = _parser().parse_args(arguments)
    issuer = Issuer(chosen.keys, ADDRESS)
    match chosen.command:
        case "issuer":
            serve_keys(issuer, ADDRESS, 8000).serve_forever()
        case "token":
            sys.stdout.write(issuer.token(chosen.owner, chosen.scope or OWN_DATA) + "\n")
        case _:
            try:
                created = create_samples(issuer)
            except (OSError, NotInTimeError) as error:
                sys.stderr.write(f"the samples were not made: {error}\n")
                return 1
            lines = [f"{portfolio}  {name} of {OWNER}, ready" for name, portfolio in created]
            sys.stdout.write("\n".join([*lines, f"a token of hers for twelve hours: {issuer.token(OWNER)}"]) + "\n")
    return 0


def _is_published(answer: Mapping[str, Any]) -> bool:
    return any(str(run["state"]).startswith("completed") for run in answer["runs"])


def _wait_for(what: str, look: Callable[[], Found]) -> Found:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := look()):
        if time.monotonic() > deadline:
            raise NotInTimeError(f"{what} did not come about within {PATIENCE_SECONDS:.0f} s")
        time.sleep(1)
    return found


def _ask(address: str, token: str = "", body: Mapping[str, Any] | None = None) -> Any:
    """With a body a POST, else a GET; the answer's JSON. Raises OSError with the answer where it refuses."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, content, {**headers, "Content-Type": "application/json"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - addresses of our own containers
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise OSError(f"{address} answered {error.code}: {error.read().decode(errors='replace')}") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="compose_demo", description=__doc__)
    parser.add_argument("--keys", type=Path, default=KEYS, help="the folder of the issuer's key (default: %(default)s)")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("issuer", help="serve the public keys")
    commands.add_parser("samples", help="create the sample portfolios")
    token = commands.add_parser("token", help="print a bearer token, good for twelve hours")
    token.add_argument("--owner", default=OWNER, help="whom it speaks for (default: %(default)s)")
    token.add_argument(
        "--scope", action="append", choices=get_args(Scope), help="what it allows (default: read, write)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
