"""Where a Kafka cluster is, and how it is told who we are."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NoReturn, TypeAlias

from pydantic import SecretStr

SecurityProtocol: TypeAlias = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism: TypeAlias = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]

ENCRYPTED: tuple[SecurityProtocol, ...] = ("SSL", "SASL_SSL")
WITH_PASSWORD: tuple[SecurityProtocol, ...] = ("SASL_PLAINTEXT", "SASL_SSL")


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Files in PEM form; those that are not given are not needed."""

    ca: Path | None = None
    """Whom we believe that a broker is one; without it whom the system believes."""
    certificate: Path | None = None
    """Our own, with what leads to its authority."""
    key: Path | None = None
    """The certificate's; without it the certificate's file holds it too."""

    def context(self) -> ssl.SSLContext:
        """Read now, so that renewed certificates are those of the next connection. A broker's name is always checked.

        Raises OSError, of which ssl.SSLError is one, where a file is not what it should be.
        """
        context = ssl.create_default_context(cafile=self.ca)
        if self.certificate is not None:
            context.load_cert_chain(self.certificate, self.key, password=_refuse_to_ask)
        return context


def _refuse_to_ask() -> NoReturn:
    """OpenSSL would ask the terminal, and wait there for ever."""
    raise OSError("the key is encrypted; decrypt it: openssl pkey -in encrypted.pem -out client.key")


@dataclass(frozen=True, slots=True)
class KafkaAddress:
    """A cluster's bootstrap servers with everything that a client needs to be let in. Its text is the servers alone."""

    servers: str
    security_protocol: SecurityProtocol = "PLAINTEXT"
    sasl_mechanism: SaslMechanism | None = None
    user: str | None = None
    password: SecretStr | None = None
    tls: TlsFiles = field(default_factory=TlsFiles)

    def __str__(self) -> str:
        return self.servers
