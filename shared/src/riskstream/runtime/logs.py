"""One way to log: structured, to standard error, each line with who says it and within which trace."""

import logging
import re
import sys
from typing import Literal

import structlog
from opentelemetry import trace

from riskstream.runtime.clock import Clock
from riskstream.runtime.identity import identity_of

_NOISY = {
    "uvicorn.access": "WARNING",
    "aiokafka": "WARNING",
    "opentelemetry.exporter": "CRITICAL",
    "yfinance": "CRITICAL",
    "peewee": "WARNING",
}
"""Loggers that say once per request or per retry what our own lines and metrics already say, and from which level on
they are heard."""

_SECRETS = (
    # The password in the address of a server, and whatever is sent as a token or bought as a ticket.
    (re.compile(r"(://[^\s:/@\"']*):[^\s@\"']+@"), r"\1:***@"),
    (re.compile(r"(?i)\b(bearer\s+)[\w.~+/=-]{8,}"), r"\1***"),
    (re.compile(r"(?i)\b(ticket=)[\w-]+"), r"\1***"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), "***"),
)


def configure_logs(service: str, clock: Clock, form: Literal["json", "console"], level: str) -> None:
    """Set up structlog and the standard library's loggers for the whole process; called once by `main`."""
    identity = identity_of(service)

    def stamp(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event["time"] = clock.now().isoformat(timespec="milliseconds")
        event["service"] = identity.service
        if form == "json":
            event["version"] = identity.version
            event["instance"] = identity.instance
        return event

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        stamp,
        _name_trace,
        structlog.processors.StackInfoRenderer(),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )

    def rendered(logger: object, method: str, event: structlog.typing.EventDict) -> str:
        return conceal(str(renderer(logger, method, event)))

    if form == "json":
        shared.append(structlog.processors.format_exc_info)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, rendered],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(True)
    # Whoever has run a server in this process before may have left it a handler of its own, past ours.
    for name in ("uvicorn", "uvicorn.error"):
        server = logging.getLogger(name)
        server.handlers.clear()
        server.propagate = True
    for name, heard_from in _NOISY.items():
        logging.getLogger(name).setLevel(heard_from)


def conceal(line: str) -> str:
    """The line without passwords in addresses, bearer tokens and tickets, wherever an error's text brought them in."""
    for secret, shown in _SECRETS:
        line = secret.sub(shown, line)
    return line


def _name_trace(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = f"{context.trace_id:032x}"
        event["span_id"] = f"{context.span_id:016x}"
    return event
