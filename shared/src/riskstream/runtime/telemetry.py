"""What a serving process tells of itself, set up in one call: logs, identity and traces."""

from riskstream.runtime.clock import Clock
from riskstream.runtime.identity import identity_of, show_identity
from riskstream.runtime.logs import configure_logs
from riskstream.runtime.settings import ServiceSettings
from riskstream.runtime.trace_export import TraceExport, begin_tracing


def begin_telemetry(service: str, clock: Clock, settings: ServiceSettings) -> TraceExport:
    """Set up what the process says: the first thing that it does, before anything that would be traced is made.

    What is returned is the last thing to be closed.
    """
    configure_logs(service, clock, settings.log_format, settings.log_level)
    identity = identity_of(service)
    show_identity(identity, clock)
    return begin_tracing(identity)
