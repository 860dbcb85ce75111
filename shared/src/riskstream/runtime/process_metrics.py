"""The metrics that every service shows: what it is, how its event loop feels, and its HTTP."""

from riskstream.runtime.metrics import FAST, Catalogue

METRICS = Catalogue("every service")

BUILD = METRICS.gauge(
    "riskstream_build_info",
    "1; its labels say what runs",
    {
        "service": "the process's service",
        "version": "the package's version, with `+RISKSTREAM_BUILD` where that is set",
    },
)
READY = METRICS.gauge(
    "riskstream_process_ready", "1 where the process says it is ready for requests, at this scrape; else 0"
)
CLOCK = METRICS.gauge(
    "riskstream_clock_timestamp_seconds", "What the service takes for the present instant, for schedule and freshness"
)
LOOP_LAG = METRICS.histogram("riskstream_event_loop_lag_seconds", "How late the event loop ran something", FAST)

SPANS = METRICS.counter(
    "riskstream_trace_spans_total",
    "Spans that were to be sent to the collector; not those that a full queue dropped before",
    {"outcome": "`sent`, `lost`"},
)
SPANS_ENDED = METRICS.counter(
    "riskstream_trace_spans_ended_total",
    "Spans that ended, of kept traces; what is neither sent nor lost of them waits, or a full queue dropped it",
)

_ROUTE = {
    "method": "HTTP methods; `OTHER` for what is none",
    "route": "templates of routes, such as `/portfolios/{portfolio_id}`; `none` where nothing was routed to: refused at"
    " the gate, or no such address",
}
HTTP_REQUESTS = METRICS.counter(
    "riskstream_http_requests_total", "Requests answered", _ROUTE | {"status": "HTTP status codes"}
)
HTTP_SECONDS = METRICS.histogram(
    "riskstream_http_request_seconds",
    "From a request's arrival to the end of its answer, streams left out",
    (*FAST, 5, 10),
    _ROUTE,
)
HTTP_IN_PROGRESS = METRICS.gauge("riskstream_http_requests_in_progress", "Requests that are being answered now")
HTTP_REFUSED = METRICS.counter(
    "riskstream_http_requests_refused_total", "Requests that were not let in", {"code": "codes of problems"}
)
EVENT_STREAMS = METRICS.gauge("riskstream_http_event_streams", "Streams of server-sent events that clients hold open")
