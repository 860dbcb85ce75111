"""What a serving process tells of itself, set up in one call: logs and identity."""

from riskstream.runtime.clock import Clock
from riskstream.runtime.identity import identity_of, show_identity
from riskstream.runtime.logs import configure_logs
from riskstream.runtime.settings import ServiceSettings


def begin_telemetry(service: str, clock: Clock, settings: ServiceSettings) -> None:
    """Set up what the process says: the first thing that it does."""
    configure_logs(service, clock, settings.log_format, settings.log_level)
    show_identity(identity_of(service), clock)
