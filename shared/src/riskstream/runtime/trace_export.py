"""Where spans go: to a collector, by OTLP over HTTP, as the standard `OTEL_*` variables say.

https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ lists them; the SDK reads the sampler
(`OTEL_TRACES_SAMPLER`, by default all), the resource, the limits and the batches by itself. Without an endpoint nothing
is imported, made or sent.
"""

import asyncio
import os
import threading
from typing import TYPE_CHECKING

import structlog

from riskstream.runtime import tracing
from riskstream.runtime.configuration import ConfigurationError
from riskstream.runtime.identity import Identity

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
HEADERS = ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS")
EXPORTER = "OTEL_TRACES_EXPORTER"
SAMPLER = "OTEL_TRACES_SAMPLER"
SAMPLER_RATIO = "OTEL_TRACES_SAMPLER_ARG"
SAMPLERS = ("always_on", "always_off", "traceidratio")
DISABLED = "OTEL_SDK_DISABLED"
FLUSH_SECONDS = 5.0
"""The most that the end of a process waits for its last spans."""

log = structlog.get_logger(__name__)


class TraceExport:
    """The spans of this process on their way to the collector, from a thread of their own."""

    def __init__(self, provider: "TracerProvider | None" = None) -> None:
        self._provider = provider

    async def close(self) -> None:
        """Make no more spans; send what is there, for a few seconds at most: a collector that is away costs no more."""
        provider, self._provider = self._provider, None
        if provider is None:
            return
        tracing.begin(None)
        # Not a thread of the pool: the end of the event loop would wait for that as long as it takes.
        flush = threading.Thread(target=provider.shutdown, name="last spans", daemon=True)
        flush.start()
        deadline = asyncio.get_running_loop().time() + FLUSH_SECONDS
        while flush.is_alive():
            if asyncio.get_running_loop().time() > deadline:
                log.warning("spans_lost", reason="the collector did not take the last spans in time")
                return
            await asyncio.sleep(0.01)


def begin_tracing(identity: Identity) -> TraceExport:
    """Begin to trace where the environment names a collector; ConfigurationError names the variable that is wrong."""
    endpoint = _endpoint()
    if endpoint is None:
        return TraceExport()
    # Here, because most processes are not traced, and the SDK takes them a fifth of a second.
    from riskstream.runtime.trace_sdk import traced_as  # noqa: PLC0415

    try:
        provider = traced_as(identity)
    except ValueError as error:
        raise ConfigurationError(f"a variable OTEL_… has a value that cannot be used: {error}") from error
    tracing.begin(provider.get_tracer("riskstream", identity.version))
    log.info("tracing", endpoint=endpoint)
    return TraceExport(provider)


def _endpoint() -> str | None:
    """Where spans are sent, None where they are not."""
    variable = next((name for name in ENDPOINTS if os.environ.get(name, "").strip()), None)
    if variable is None or os.environ.get(DISABLED, "").strip().lower() == "true":
        return None
    exporter = os.environ.get(EXPORTER, "").strip().lower() or "otlp"
    if exporter == "none":
        return None
    if exporter != "otlp":
        raise ConfigurationError(f"{EXPORTER}={exporter!r} is not known here; write otlp, or none")
    for name in PROTOCOLS:
        if (protocol := os.environ.get(name, "").strip() or "http/protobuf") != "http/protobuf":
            raise ConfigurationError(
                f"{name}={protocol!r} is not spoken here; write http/protobuf, and the collector's port 4318"
            )
    endpoint = os.environ[variable].strip()
    if not endpoint.startswith(("http://", "https://")):
        raise ConfigurationError(f"{variable} is no address; write http://collector:4318")
    _check_headers()
    _check_sampler()
    return endpoint


def _check_sampler() -> None:
    """Before the SDK does, which warns of what it does not know, and keeps everything."""
    sampler = os.environ.get(SAMPLER, "").strip().lower()
    kind = sampler.removeprefix("parentbased_")
    if sampler and kind not in SAMPLERS:
        known = ", ".join((*SAMPLERS, *(f"parentbased_{one}" for one in SAMPLERS)))
        raise ConfigurationError(f"{SAMPLER}={sampler!r} is not known; write one of {known}")
    if kind != "traceidratio":
        return
    ratio = os.environ.get(SAMPLER_RATIO, "").strip() or "1"
    try:
        known_ratio = 0.0 <= float(ratio) <= 1.0
    except ValueError:
        known_ratio = False
    if not known_ratio:
        raise ConfigurationError(f"{SAMPLER_RATIO}={ratio!r} is no part of all traces; write a number such as 0.01")


def _check_headers() -> None:
    """Before the exporter does, which logs a malformed one: they hold the key to the collector."""
    for name in HEADERS:
        if any("=" not in pair for pair in filter(str.strip, os.environ.get(name, "").split(","))):
            raise ConfigurationError(f"{name} is no list of headers; write api-key=…, with commas between them")
