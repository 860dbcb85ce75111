"""Spans: what of a request or a night took how long, within one trace across processes.

Off until `begin` is given a tracer, and then every call here is a test for None. What a span says of itself follows
OpenTelemetry's semantic conventions. No span carries parameters, query strings or messages of errors: they may hold
what is nobody's business; an error's kind is told, its text is in the log under the same trace id.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, Link, NonRecordingSpan, Span, SpanContext, SpanKind, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.trace.status import Status, StatusCode
from opentelemetry.util.types import AttributeValue

Attributes = Mapping[str, AttributeValue]

_propagator = TraceContextTextMapPropagator()
_tracer: Tracer | None = None


def begin(tracer: Tracer | None) -> None:
    """Make spans with `tracer` from now on; with None, make none."""
    global _tracer  # noqa: PLW0603  # one process, one place that its spans go to
    _tracer = tracer


def on() -> bool:
    """Whether spans are made: for those who prepare something for it."""
    return _tracer is not None


@contextmanager
def span(
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    parent: Context | None = None,
    links: Sequence[Link] = (),
    attributes: Attributes | None = None,
) -> Iterator[Span]:
    """A span around the body, the current one within it; under `parent`, or else under the current one.

    An error that leaves the body marks it as failed.
    """
    if _tracer is None:
        yield INVALID_SPAN
        return
    with _tracer.start_as_current_span(
        name,
        parent,
        kind,
        attributes,
        links,
        record_exception=False,
        set_status_on_exception=False,
    ) as made:
        try:
            yield made
        except BaseException as error:
            failed(made, type(error).__name__)
            raise


@contextmanager
def call(name: str, attributes: Attributes) -> Iterator[None]:
    """A span around a call to another server; none where the call is part of nothing: polls are not told."""
    if not part_of_something():
        yield
        return
    with span(name, kind=SpanKind.CLIENT, attributes=attributes):
        yield


def record_call(name: str, seconds: float, attributes: Attributes, error: str | None = None) -> None:
    """As `call`, of one that has just ended and took `seconds`; `error` is the kind of the error it ended with."""
    if _tracer is None or not part_of_something():
        return
    end = time.time_ns()
    made = _tracer.start_span(name, None, SpanKind.CLIENT, attributes, start_time=end - round(seconds * 1e9))
    if error is not None:
        failed(made, error)
    made.end(end)


@contextmanager
def untold() -> Iterator[None]:
    """Around what is done so often that nobody would see anything else: no span within it, the log names the trace."""
    here = trace.get_current_span().get_span_context()
    if _tracer is None or not here.is_valid:
        yield
        return
    quiet = SpanContext(here.trace_id, here.span_id, is_remote=False)
    with trace.use_span(NonRecordingSpan(quiet), record_exception=False, set_status_on_exception=False):
        yield


def part_of_something() -> bool:
    """Whether there is a current span whose trace is kept."""
    return _tracer is not None and trace.get_current_span().get_span_context().trace_flags.sampled


def failed(made: Span, kind: str) -> None:
    """Mark the span as failed with an error of this kind."""
    made.set_attribute("error.type", kind)
    made.set_status(Status(StatusCode.ERROR))


def current_traceparent() -> str | None:
    """The current span as a `traceparent` header, for who follows from it in another process; None without one."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get("traceparent")


def context_of(headers: Mapping[str, str]) -> Context:
    """The context that `traceparent` and `tracestate` among `headers` name; empty where they name none."""
    return _propagator.extract(headers, Context())


def remote(traceparent: str | None) -> SpanContext | None:
    """The span that a `traceparent` names; None where there is none, or none that can be read."""
    if traceparent is None:
        return None
    found = trace.get_current_span(context_of({"traceparent": traceparent})).get_span_context()
    return found if found.is_valid else None


def under(of: SpanContext) -> Context:
    """A context whose current span is one of another process."""
    return trace.set_span_in_context(NonRecordingSpan(of), Context())
