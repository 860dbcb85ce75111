"""Which settings of a Kafka client fit together, looked at one by one, so that the wrong one is the one named."""

import os
from pathlib import Path
from typing import TypeVar

from pydantic import SecretStr

from riskstream.runtime.kafka_address import ENCRYPTED, WITH_PASSWORD, SecurityProtocol, TlsFiles

PROTOCOL_VARIABLE = "RISKSTREAM_KAFKA_SECURITY_PROTOCOL"
PASSWORD_VARIABLE = "RISKSTREAM_KAFKA_PASSWORD"  # noqa: S105 - the name of a variable

Value = TypeVar("Value", bound=str | SecretStr | None)


def as_the_protocol_wants(protocol: SecurityProtocol | None, value: Value) -> Value:
    """A mechanism, user or password: needed by a protocol with SASL, and a mistake with another.

    Without a `protocol` (it is itself wrong, and told by itself) anything goes. Raises ValueError.
    """
    if protocol is None:
        return value
    if protocol in WITH_PASSWORD and value is None:
        raise ValueError(f"it is not set, and {PROTOCOL_VARIABLE}={protocol} needs it")
    if protocol not in WITH_PASSWORD and value is not None:
        raise ValueError(
            f"it is set, and {PROTOCOL_VARIABLE}={protocol} tells nobody's name; "
            f"set that to SASL_SSL, or leave this one out"
        )
    if value is not None and not (value.get_secret_value() if isinstance(value, SecretStr) else value):
        raise ValueError("it is empty")
    return value


def of_an_encrypted_connection(protocol: SecurityProtocol | None, file: Path | None) -> None:
    """Raises ValueError where a file for TLS is not there, or for nothing."""
    if file is None or protocol is None:
        return
    if protocol not in ENCRYPTED:
        raise ValueError(
            f"it is set, and {PROTOCOL_VARIABLE}={protocol} encrypts nothing; "
            f"set that to SASL_SSL or SSL, or leave this one out"
        )
    if not file.is_file():
        raise ValueError(f"there is no file {file}")


def in_pem_form(files: TlsFiles) -> None:
    """Raises ValueError, with the reason, where TLS cannot be had by these files."""
    try:
        files.context()
    except OSError as error:
        named = ", ".join(str(file) for file in (files.ca, files.certificate, files.key) if file is not None)
        reason = error.strerror or str(error)
        raise ValueError(f"{named} cannot be used ({reason}); certificates and keys are read in PEM form") from error


def of_one_another(certificate: Path | None, key: Path | None) -> None:
    """Raises ValueError where a key has no certificate, or a certificate neither this key nor one in its own file."""
    if certificate is not None:
        in_pem_form(TlsFiles(None, certificate, key))
    elif key is not None:
        raise ValueError("it is set, and RISKSTREAM_KAFKA_CERTIFICATE_FILE, whose key it is, is not")


def not_also_in(folder: str | None) -> None:
    """Raises ValueError where the variable and the folder of secrets both have a password: one is an old one."""
    file = Path(folder or ".") / PASSWORD_VARIABLE.lower()
    if folder and PASSWORD_VARIABLE in os.environ and file.exists():
        raise ValueError(f"it is set, and there is also the file {file}; remove one of them")
