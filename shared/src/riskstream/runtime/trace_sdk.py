"""OpenTelemetry's SDK, as far as it is used: only a process that is traced imports this module."""

import os
from collections.abc import Sequence

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from riskstream.runtime.identity import Identity
from riskstream.runtime.process_metrics import SPANS, SPANS_ENDED

log = structlog.get_logger(__name__)


def traced_as(identity: Identity) -> TracerProvider:
    """Makes spans of this process and sends them, from a thread of its own.

    Sampler, limits, batches and what else the resource has are the SDK's to read from the environment; ValueError
    where it cannot.
    """
    resource = Resource.create(
        {
            "service.namespace": "riskstream",
            "service.name": os.environ.get("OTEL_SERVICE_NAME") or identity.service,
            "service.version": identity.version,
            "service.instance.id": identity.instance,
        }
    )
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(Counted())
    provider.add_span_processor(BatchSpanProcessor(Watched(OTLPSpanExporter())))
    return provider


class Counted(SpanProcessor):
    """Counts what ends, before a queue that is full drops it without a word that could be counted."""

    def on_end(self, span: ReadableSpan) -> None:
        if span.context is not None and span.context.trace_flags.sampled:
            SPANS_ENDED.inc()


class Watched(SpanExporter):
    """Counts what an exporter sent and lost, and tells once when the collector goes and once when it is back."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._away = False
        for outcome in ("sent", "lost"):
            SPANS.labels(outcome)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        lost = result is not SpanExportResult.SUCCESS
        SPANS.labels("lost" if lost else "sent").inc(len(spans))
        if lost and not self._away:
            log.warning("collector_lost", consequence="spans are dropped, nothing else waits for it")
        elif self._away and not lost:
            log.info("collector_back")
        self._away = lost
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)
