"""Traces leave by the standard variables; a collector that is away, or says nothing, costs the service nothing."""

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from observer.collector import Collector
from riskstream.runtime import trace_export, tracing
from riskstream.runtime.configuration import ConfigurationError
from riskstream.runtime.identity import Identity
from riskstream.runtime.trace_export import begin_tracing
from riskstream.runtime.trace_sdk import Watched

SELF = Identity("rehearsal", "1.2.3", "host:7")


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in (*trace_export.ENDPOINTS, *trace_export.PROTOCOLS, trace_export.EXPORTER, trace_export.DISABLED):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
    yield
    tracing.begin(None)


@pytest.fixture
def silent_collector() -> Iterator[str]:
    """Takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def nobody_there() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": " "},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"},
    ],
    ids=["nothing said", "an empty endpoint", "the SDK disabled", "no exporter"],
)
async def test_nothing_is_traced_unless_a_collector_is_named(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    export = begin_tracing(SELF)
    assert not tracing.on()
    await export.close()


def test_a_process_that_is_not_traced_does_not_even_load_the_sdk() -> None:
    program = (
        "import sys; from riskstream.runtime.identity import identity_of; "
        "from riskstream.runtime.trace_export import begin_tracing; import riskstream.messaging.consumer; "
        "begin_tracing(identity_of('x')); "
        "sys.exit(any(name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter')) for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "OTEL_EXPORTER_OTLP_PROTOCOL='grpc' is not spoken here; write http/pr"),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "collector:4318",
            "OTEL_EXPORTER_OTLP_ENDPOINT is no address; write http://coll",
        ),
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "k=v,pa55word",
            "OTEL_EXPORTER_OTLP_HEADERS is no list of headers; write api-key=",
        ),
        (
            "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
            "x",
            "a variable OTEL_… .*OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT must be a non-neg",
        ),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "-5", "a variable OTEL_… .*max_queue_size must be a positive"),
        ("OTEL_TRACES_EXPORTER", "zipkin", "OTEL_TRACES_EXPORTER='zipkin' is not known here; write otlp"),
        (
            "OTEL_TRACES_SAMPLER",
            "traceidratoi",
            "OTEL_TRACES_SAMPLER='traceidratoi' is not known; write one of always_on,",
        ),
    ],
)
def test_a_variable_that_makes_no_sense_is_named(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=said) as raised:
        begin_tracing(SELF)
    assert "pa55word" not in str(raised.value)
    assert not tracing.on()


@pytest.mark.parametrize("ratio", ["a tenth", "10", "-0.1", "nan"])
def test_a_ratio_that_is_none_is_named(ratio: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", ratio)
    with pytest.raises(ConfigurationError, match=r"OTEL_TRACES_SAMPLER_ARG=.* write a number such as 0\.01"):
        begin_tracing(SELF)
    assert not tracing.on()


async def test_spans_arrive_with_who_made_them_and_the_last_ones_before_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "60000")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
        export = begin_tracing(SELF)
        with tracing.span("a night", attributes={"riskstream.attempt": 1}):
            pass
        await export.close()
        (span,) = collector.spans()
    assert (span.service, span.name, span.attributes) == ("rehearsal", "a night", {"riskstream.attempt": 1})
    assert span.resource["service.version"] == "1.2.3"
    assert span.resource["service.instance.id"] == "host:7"
    assert not tracing.on()


async def test_the_sampler_is_the_one_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    with Collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{collector.url}/v1/traces")
        monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
        monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.2")
        export, before = begin_tracing(SELF), ended()
        for _ in range(500):
            with tracing.span("a night"), tracing.span("a step"):
                pass
        await export.close()
        spans = collector.spans()
    traces = {span.trace for span in spans}
    assert 40 < len(traces) < 180
    assert len(spans) == 2 * len(traces), "a trace is kept whole or not at all"
    assert ended() - before == len(spans)


@pytest.mark.parametrize("where", ["nobody_there", "silent_collector"])
async def test_a_collector_that_is_away_slows_and_stops_nobody(
    where: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", request.getfixturevalue(where))
    monkeypatch.setattr(trace_export, "FLUSH_SECONDS", 0.5)
    export = begin_tracing(SELF)
    loop = asyncio.get_running_loop()
    late = []
    began = time.monotonic()
    for _ in range(100):
        for _ in range(50):
            with tracing.span("a night"):
                pass
        due = loop.time() + 0.001
        await asyncio.sleep(0.001)
        late.append(loop.time() - due)
    # Bounds that a machine may pause within: an exporter waits ten seconds for its collector.
    assert time.monotonic() - began < 8, "5,000 spans, of which the queue holds 2,048"
    assert sum(one > 0.5 for one in late) < 5, "the event loop never waits for the collector"
    closing = time.monotonic()
    await export.close()
    assert time.monotonic() - closing < 8


async def test_what_a_full_queue_drops_is_among_the_spans_that_ended(
    silent_collector: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", silent_collector)
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "16")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "8")
    monkeypatch.setattr(trace_export, "FLUSH_SECONDS", 0.5)
    export, before, told = begin_tracing(SELF), ended(), sum(sent_and_lost())
    for _ in range(200):
        with tracing.span("a night"):
            pass
    assert ended() - before == 200
    assert sum(sent_and_lost()) - told < 200
    await export.close()


async def test_an_export_is_closed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with Collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        export = begin_tracing(SELF)
        await export.close()
        await export.close()


def ended() -> float:
    return REGISTRY.get_sample_value("riskstream_trace_spans_ended_total") or 0.0


def sent_and_lost() -> tuple[float, ...]:
    return tuple(
        REGISTRY.get_sample_value("riskstream_trace_spans_total", {"outcome": outcome}) or 0.0
        for outcome in ("sent", "lost")
    )


def test_a_collector_that_goes_and_comes_back_is_two_lines_of_the_log_and_what_was_lost_is_counted() -> None:
    class Moody(SpanExporter):
        here = True

        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            return SpanExportResult.SUCCESS if self.here else SpanExportResult.FAILURE

    moody = Moody()
    watched, span = Watched(moody), ReadableSpan("a night")
    sent, lost = sent_and_lost()
    with capture_logs() as lines:
        for here in (True, False, False, False, True, True):
            moody.here = here
            watched.export([span, span])
    assert [line["event"] for line in lines] == ["collector_lost", "collector_back"]
    assert sent_and_lost() == (sent + 6, lost + 6)
