"""`market-simulator`: serves a market over HTTP until it is told to stop."""

from __future__ import annotations

import argparse
import socket
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import uvicorn
from pydantic import ValidationError

from market_simulator.app import create_app
from market_simulator.faults import Fault
from market_simulator.market import Market
from market_simulator.recorded import read_market
from market_simulator.simulator import Simulator
from market_simulator.synthetic.generate import generate, synthesis_at
from riskstream.runtime.clock import Clock, clock_from_environment


def main(arguments: Sequence[str] | None = None) -> None:
    """Builds the market, binds the address, says it on standard output as one line, and serves."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        clock = clock_from_environment()
        simulator = Simulator(_market(options, clock), clock, options.seed)
        for fault in options.fault:
            simulator.faults.add(fault)
        listener = socket.create_server((options.host, options.port), backlog=256)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    with listener:
        _serve(simulator, options, listener)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="market-simulator", description=__doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--synthetic", action="store_true", help="a seeded market with planted betas")
    source.add_argument("--file", type=Path, metavar="PARQUET", help="recorded daily bars")
    parser.add_argument("--symbols-csv", type=Path, metavar="CSV", help="names and sectors for --file")
    parser.add_argument("--seed", type=int, default=7, help="decides the synthetic market and which requests fail")
    parser.add_argument("--symbols", type=int, default=500, help="how many, the eight benchmarks included")
    parser.add_argument("--start", type=date.fromisoformat, help="first day of synthetic history")
    parser.add_argument(
        "--reference", type=date.fromisoformat, help="synthetic events happen in its year; default: the clock's date"
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--address-file", type=Path, help="also write the address here once it is bound")
    parser.add_argument(
        "--fault",
        type=_fault,
        action="append",
        default=[],
        metavar="JSON",
        help='as {"kind": "refuse", "fraction": 0.1}',
    )
    return parser


def _fault(text: str) -> Fault:
    try:
        return Fault.model_validate_json(text)
    except ValidationError as error:
        raise argparse.ArgumentTypeError(f"{text} is no fault: {error}") from error


def _market(options: argparse.Namespace, clock: Clock) -> Market:
    if options.file is not None:
        return read_market(options.file, options.symbols_csv)
    reference = options.reference or clock.today()
    return generate(synthesis_at(reference, seed=options.seed, symbols=options.symbols, start=options.start))


def _serve(simulator: Simulator, options: argparse.Namespace, listener: socket.socket) -> None:
    config = uvicorn.Config(create_app(simulator), log_level="warning", access_log=False, timeout_graceful_shutdown=2)
    address = f"http://{options.host}:{listener.getsockname()[1]}"
    if options.address_file is not None:
        options.address_file.write_text(address + "\n", encoding="utf-8")
    sys.stdout.write(f"market simulator at {address}\n")
    sys.stdout.flush()
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
