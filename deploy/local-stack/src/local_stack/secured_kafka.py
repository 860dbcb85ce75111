"""Kafka as operators have it: encrypted, with users, and with rules about who may do what."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from local_stack.certificates import Authority
from local_stack.kafka import KafkaServer
from local_stack.ports import LOOPBACK

Listener: TypeAlias = Literal["SASL_SSL", "SSL", "SASL_PLAINTEXT"]

_LISTENERS: tuple[Listener, ...] = ("SASL_SSL", "SSL", "SASL_PLAINTEXT")
_SCRAM = ("SCRAM-SHA-256", "SCRAM-SHA-512")
_MODULES = "org.apache.kafka.common.security"


class SecuredKafkaServer(KafkaServer):
    """One node with a listener for every way in, all on the loopback interface.

    `SASL_SSL` and `SASL_PLAINTEXT` take the users by PLAIN and SCRAM, `SSL` takes who has a certificate of the
    authority. Users may do nothing until a rule says so; who comes by the `PLAINTEXT` listener, whose address is
    `address`, may do everything.
    """

    ports_needed = 5

    def __init__(self, users: Mapping[str, str], folder: Path | None = None) -> None:
        """`users` are passwords by name: letters and digits only, as two files in forms of their own hold them."""
        super().__init__(folder)
        strange = [word for pair in users.items() for word in pair if not word.replace("-", "").isalnum()]
        if strange:
            raise ValueError(f"names and passwords are of letters, digits and hyphens; not so: {len(strange)} of them")
        self._users = dict(users)
        self._authority: Authority | None = None

    def address_of(self, listener: Listener) -> str:
        """`host:port` of a way in."""
        return f"{LOOPBACK}:{self._ports[2 + _LISTENERS.index(listener)]}"

    @property
    def authority(self) -> Authority:
        """Whose certificates are believed on both sides."""
        if self._authority is None:
            self._authority = Authority(self.folder / "certificates")
        return self._authority

    def _settings(self, ports: Sequence[int]) -> dict[str, str]:
        plain = super()._settings(ports)
        listeners = ",".join(f"{name}://{LOOPBACK}:{port}" for name, port in zip(_LISTENERS, ports[2:], strict=True))
        settings = plain | {
            "listeners": f"{plain['listeners']},{listeners}",
            "advertised.listeners": f"{plain['advertised.listeners']},{listeners}",
            "listener.security.protocol.map": ",".join(
                [plain["listener.security.protocol.map"], *(f"{name}:{name}" for name in _LISTENERS)]
            ),
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self.authority.for_server("broker")),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.authority.file),
            "listener.name.ssl.ssl.client.auth": "required",
        }
        for listener in ("sasl_ssl", "sasl_plaintext"):
            settings |= self._mechanisms(f"listener.name.{listener}")
        return settings

    def _mechanisms(self, listener: str) -> dict[str, str]:
        users = " ".join(f'user_{name}="{password}"' for name, password in self._users.items())
        modules = {"plain": f"{_MODULES}.plain.PlainLoginModule required {users};"}
        modules |= {name.lower(): f"{_MODULES}.scram.ScramLoginModule required;" for name in _SCRAM}
        return {f"{listener}.sasl.enabled.mechanisms": ",".join(["PLAIN", *_SCRAM])} | {
            f"{listener}.{mechanism}.sasl.jaas.config": module for mechanism, module in modules.items()
        }

    def _format_arguments(self) -> list[str]:
        return [
            word
            for name, password in self._users.items()
            for mechanism in _SCRAM
            for word in ("--add-scram", f"{mechanism}=[name={name},password={password}]")
        ]
