"""Spans: what they tell and what they keep to themselves; and that nothing is told where nobody asked."""

import time

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace.status import StatusCode

from rehearsal.spans import Kept, kept_spans
from riskstream.runtime import tracing

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_without_a_tracer_there_is_no_span_and_nothing_to_follow() -> None:
    assert not tracing.on()
    with tracing.span("a night") as span, tracing.call("SELECT", {}):
        tracing.record_call("SELECT", 0.1, {})
        assert not span.get_span_context().is_valid
        assert tracing.current_traceparent() is None


def test_spans_within_spans_are_one_trace(spans: Kept) -> None:
    with tracing.span("outer", attributes={"riskstream.session": "2026-03-10"}), tracing.span("inner"):
        pass
    inner, outer = spans.all()
    assert inner.parent is not None
    assert (inner.parent.span_id, inner.context.trace_id) == (outer.context.span_id, outer.context.trace_id)
    assert dict(outer.attributes or {}) == {"riskstream.session": "2026-03-10"}


def test_an_error_is_told_by_its_kind_and_not_by_its_words(spans: Kept) -> None:
    with pytest.raises(ValueError, match="secret"), tracing.span("outer"):
        raise ValueError("the secret is 1234")
    (span,) = spans.all()
    assert span.status.status_code is StatusCode.ERROR
    assert dict(span.attributes or {}) == {"error.type": "ValueError"}
    assert "1234" not in span.to_json()


def test_a_call_that_is_part_of_nothing_is_not_told(spans: Kept) -> None:
    with tracing.call("SELECT", {}):
        tracing.record_call("INSERT", 0.1, {})
    assert spans.all() == []
    with tracing.span("outer"), tracing.call("SELECT", {}):
        pass
    assert spans.names() == ["SELECT", "outer"]


def test_a_call_that_has_ended_is_told_with_the_time_it_took(spans: Kept) -> None:
    before = time.time_ns()
    with tracing.span("outer"):
        tracing.record_call("SELECT", 0.25, {"db.system.name": "postgresql"}, error="UndefinedTableError")
    call = spans.only("SELECT")
    assert call.start_time is not None
    assert call.end_time is not None
    assert call.end_time - call.start_time == 250_000_000
    assert call.end_time >= before
    assert (call.status.status_code, (call.attributes or {})["error.type"]) == (
        StatusCode.ERROR,
        "UndefinedTableError",
    )


def test_what_is_done_all_the_time_is_not_told_and_keeps_its_trace_for_the_log(spans: Kept) -> None:
    with tracing.span("outer"):
        with tracing.untold():
            tracing.record_call("SELECT", 0.1, {})
            with tracing.call("INSERT", {}), tracing.span("inner"):
                quiet = tracing.current_traceparent() or ""
        tracing.record_call("UPDATE", 0.1, {})
    assert spans.names() == ["UPDATE", "outer"]
    assert quiet[3:35] == f"{spans.only('outer').context.trace_id:032x}"


def test_a_trace_that_is_not_kept_has_no_calls_and_is_passed_on_as_such() -> None:
    with kept_spans(ALWAYS_OFF) as kept, tracing.span("outer"):
        tracing.record_call("SELECT", 0.1, {})
        traceparent = tracing.current_traceparent()
        assert traceparent is not None
        assert not int(traceparent[-2:], 16) & 1, "the flag that says that it is kept"
        assert not tracing.part_of_something()
    assert kept.all() == []


def test_a_trace_that_the_caller_keeps_is_kept_here_too() -> None:
    with kept_spans(ALWAYS_OFF) as kept:
        with tracing.span("outer", parent=tracing.context_of({"traceparent": TRACEPARENT})):
            pass
        assert kept.names() == ["outer"]


@pytest.mark.parametrize("text", [None, "", "nonsense", "00-" + "0" * 32 + "-00f067aa0ba902b7-01", "é" * 55])
def test_what_is_no_traceparent_names_no_span(text: str | None) -> None:
    assert tracing.remote(text) is None


def test_a_span_of_another_process_can_be_continued(spans: Kept) -> None:
    origin = tracing.remote(TRACEPARENT)
    assert origin is not None
    with tracing.span("here", parent=tracing.under(origin)):
        assert trace.get_current_span().get_span_context().trace_id == origin.trace_id
    (span,) = spans.all()
    assert span.parent is not None
    assert (span.parent.span_id, span.parent.is_remote) == (origin.span_id, True)
