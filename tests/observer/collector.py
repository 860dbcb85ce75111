"""A collector of traces: takes what OpenTelemetry's exporters send by OTLP over HTTP, and keeps it for who asks."""

import gzip
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

_OF_TRACES = "/v1/traces"


@dataclass(frozen=True)
class Seen:
    """A span as it arrived, ids in hexadecimal."""

    service: str
    name: str
    kind: int
    trace: str
    id: str
    parent: str
    links: tuple[tuple[str, str], ...]
    """Trace and span."""
    attributes: Mapping[str, Any]
    failed: bool
    resource: Mapping[str, Any]
    begin: int
    end: int


class Collector:
    """Listens on a free port of the loopback interface while the block lasts."""

    def __init__(self) -> None:
        self._spans: list[Seen] = []
        self._lock = threading.Lock()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                known = self.path == _OF_TRACES and self.headers["content-type"] == "application/x-protobuf"
                if known:
                    collector._take(gzip.decompress(body) if self.headers["content-encoding"] == "gzip" else body)
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200 if known else 404)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's own name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def url(self) -> str:
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def spans(self) -> list[Seen]:
        """All that has arrived so far, in the order of their beginnings."""
        with self._lock:
            return sorted(self._spans, key=lambda span: span.begin)

    def wait(self, what: str, enough: Callable[[list[Seen]], bool], seconds: float = 30.0) -> list[Seen]:
        """The spans as soon as they are `enough`; AssertionError names `what` is missing when they never are."""
        deadline = time.monotonic() + seconds
        while not enough(spans := self.spans()):
            names = [f"{span.service}: {span.name}" for span in spans]
            assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s; there are {names}"
            time.sleep(0.05)
        return spans

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _take(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        arrived = [
            _seen(span, _values(of.resource.attributes))
            for of in request.resource_spans
            for scope in of.scope_spans
            for span in scope.spans
        ]
        with self._lock:
            self._spans += arrived


def _seen(span: Any, resource: Mapping[str, Any]) -> Seen:
    return Seen(
        service=resource["service.name"],
        name=span.name,
        kind=span.kind,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        links=tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
        attributes=_values(span.attributes),
        failed=span.status.code == span.status.STATUS_CODE_ERROR,
        resource=resource,
        begin=span.start_time_unix_nano,
        end=span.end_time_unix_nano,
    )


def _values(attributes: Any) -> dict[str, Any]:
    def plain(pair: KeyValue) -> Any:
        value: AnyValue = pair.value
        return getattr(value, value.WhichOneof("value"))

    return {pair.key: plain(pair) for pair in attributes}
