"""Which process this is: what logs, metrics and traces say of where they come from."""

import os
import socket
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from riskstream.runtime import process_metrics
from riskstream.runtime.clock import Clock

BUILD_VARIABLE = "RISKSTREAM_BUILD"


@dataclass(frozen=True, slots=True)
class Identity:
    """A process of a service."""

    service: str
    version: str
    instance: str
    """`host:process id`: no two processes of a service at one time share it."""


def identity_of(service: str) -> Identity:
    """This process, as one of `service`. The version is the service's package's, or the shared one's where it has none,
    with what `RISKSTREAM_BUILD` says it was built from.
    """
    try:
        of_package = version(f"riskstream-{service}")
    except PackageNotFoundError:
        of_package = version("riskstream")
    built = "+".join(filter(None, [of_package, os.environ.get(BUILD_VARIABLE, "")]))
    return Identity(service, built, f"{socket.gethostname()}:{os.getpid()}")


def show_identity(identity: Identity, clock: Clock) -> None:
    """Show as metrics what runs, and what it takes for the present."""
    process_metrics.BUILD.labels(identity.service, identity.version).set(1)
    process_metrics.CLOCK.set_function(lambda: clock.now().timestamp())
