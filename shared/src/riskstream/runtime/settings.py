"""The settings that every service has. A service adds its own in a subclass; all come from the environment."""

import os
import re
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, FilePath, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource, SettingsConfigDict

from riskstream.runtime import kafka_rules
from riskstream.runtime.configuration import Example, KafkaServers, PostgresDsn
from riskstream.runtime.kafka_address import KafkaAddress, SaslMechanism, SecurityProtocol, TlsFiles

SECRETS_VARIABLE = "RISKSTREAM_SECRETS_DIR"
"""Names a folder of files, such as an orchestrator mounts, each with the value of the variable it is called after."""


class EnvironmentSettings(BaseSettings):
    """Each is the variable `RISKSTREAM_<NAME>`, or else the file `riskstream_<name>` in `RISKSTREAM_SECRETS_DIR`."""

    model_config = SettingsConfigDict(env_prefix="RISKSTREAM_", frozen=True, extra="ignore")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # its folder is fixed when a class is made
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        folder = os.environ.get(SECRETS_VARIABLE) or None
        return init_settings, env_settings, SecretsSettingsSource(settings_cls, folder)


class KafkaAccess(EnvironmentSettings):
    """How a Kafka client is let in: by default by anybody, unencrypted. What does not fit together is refused."""

    kafka_security_protocol: SecurityProtocol = "PLAINTEXT"
    kafka_sasl_mechanism: Annotated[SaslMechanism | None, Example("SCRAM-SHA-512")] = Field(
        default=None, validate_default=True
    )
    kafka_user: Annotated[str | None, Example("riskstream-analytics")] = Field(default=None, validate_default=True)
    kafka_password: Annotated[SecretStr | None, Example("<its password>")] = Field(default=None, validate_default=True)
    """Also the file `riskstream_kafka_password` in `RISKSTREAM_SECRETS_DIR`, not both."""
    kafka_ca_file: Annotated[Path | None, Example("/etc/riskstream/kafka/ca.crt")] = None
    """Whom to believe that a broker is one, in PEM form; by default whom the system believes."""
    kafka_certificate_file: Annotated[Path | None, Example("/etc/riskstream/kafka/tls.crt")] = None
    """Our own certificate, where brokers ask for one."""
    kafka_key_file: Annotated[Path | None, Example("/etc/riskstream/kafka/tls.key")] = Field(
        default=None, validate_default=True
    )

    speaks_to_kafka: ClassVar[bool] = True
    """False: what a process in the same environment needs for Kafka is none of its business, and not looked at."""

    @field_validator("kafka_sasl_mechanism", "kafka_user", "kafka_password")
    @classmethod
    def _as_the_protocol_wants(cls, value: Any, info: ValidationInfo) -> Any:
        return kafka_rules.as_the_protocol_wants(cls._protocol(info), value)

    @field_validator("kafka_password")
    @classmethod
    def _given_once(cls, password: SecretStr | None) -> SecretStr | None:
        if cls.speaks_to_kafka:
            kafka_rules.not_also_in(os.environ.get(SECRETS_VARIABLE))
        return password

    @field_validator("kafka_ca_file", "kafka_certificate_file", "kafka_key_file")
    @classmethod
    def _of_an_encrypted_connection(cls, file: Path | None, info: ValidationInfo) -> Path | None:
        kafka_rules.of_an_encrypted_connection(cls._protocol(info), file)
        return file

    @field_validator("kafka_ca_file")
    @classmethod
    def _authorities(cls, ca: Path | None) -> Path | None:
        if cls.speaks_to_kafka:
            kafka_rules.in_pem_form(TlsFiles(ca))
        return ca

    @field_validator("kafka_key_file")
    @classmethod
    def _certificate_and_key(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        if cls.speaks_to_kafka and "kafka_certificate_file" in info.data:
            kafka_rules.of_one_another(info.data["kafka_certificate_file"], key)
        return key

    @classmethod
    def _protocol(cls, info: ValidationInfo) -> SecurityProtocol | None:
        """None where nothing is to be held against it: it is wrong itself, or of no interest."""
        return info.data.get("kafka_security_protocol") if cls.speaks_to_kafka else None

    def address_of(self, servers: str) -> KafkaAddress:
        """These bootstrap servers, with the way in."""
        return KafkaAddress(
            servers,
            self.kafka_security_protocol,
            self.kafka_sasl_mechanism,
            self.kafka_user,
            self.kafka_password,
            TlsFiles(self.kafka_ca_file, self.kafka_certificate_file, self.kafka_key_file),
        )


class ServiceSettings(KafkaAccess):
    """Read from `RISKSTREAM_<NAME>` variables; a missing required one stops the process with its name."""

    postgres_dsn: PostgresDsn
    """`postgresql://role:password@host:port/database`, the service's own role."""
    kafka: KafkaServers
    """Bootstrap servers, `host:port[,host:port]`."""
    kafka_replication: int = Field(default=1, ge=1)
    """Replicas that topics are declared to have: 1 on one machine, 3 in a cluster."""
    topics_file: FilePath | None = Field(default=None, examples=["/etc/riskstream/topics.yaml"])
    """The declaration of the topics, deploy/topics.yaml; where it is given the cluster's are held against it."""
    start_patience: float = Field(default=60.0, ge=0)
    """Seconds that a process which starts waits, unready, for servers without which it is only slower."""

    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8000, ge=0, le=65535)
    """0 picks a free port and logs it."""

    log_format: Literal["json", "console"] = "json"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    kafka_session_timeout_ms: int = Field(default=30_000, ge=1_000)
    kafka_rebalance_timeout_ms: int = Field(default=60_000, ge=1_000)
    pool_size: int = Field(default=10, ge=1)
    shutdown_seconds: float = Field(default=20.0, gt=0)
    """How long a component may take to finish what it has begun after SIGTERM."""

    @property
    def brokers(self) -> KafkaAddress:
        """What every Kafka client of the service is made with."""
        return self.address_of(self.kafka)


class AuthSettings(EnvironmentSettings):
    """How bearer tokens are verified. The issuer's public keys come from a file, from an address, or, where neither is
    given, from where the issuer, an OpenID Connect provider, says that they are.
    """

    model_config = SettingsConfigDict(env_prefix="RISKSTREAM_AUTH_", frozen=True, extra="ignore")

    issuer: str = Field(min_length=1, examples=["https://login.example.com/realms/risk"])
    audience: str = "riskstream"
    jwks_file: Path | None = None
    jwks_url: str | None = None
    scope_prefix: str = ""
    """What the issuer writes in front of our scopes, such as `riskstream:`; others without it are not ours."""


class RateSettings(EnvironmentSettings):
    """Requests that one owner may send to one process in a minute; 0: without limit."""

    model_config = SettingsConfigDict(env_prefix="RISKSTREAM_RATE_", frozen=True, extra="ignore")

    reads_per_minute: int = Field(default=6_000, ge=0)
    writes_per_minute: int = Field(default=600, ge=0)


class BrowserSettings(EnvironmentSettings):
    """Which web pages may call the API."""

    cors_origins: str = ""
    """Origins of frontends, `https://risk.example.com`, separated by commas; `*` for any. Empty: only pages that come
    from the API's own origin."""

    @field_validator("cors_origins")
    @classmethod
    def _whole_origins(cls, value: str) -> str:
        for origin in filter(None, (part.strip() for part in value.split(","))):
            if origin != "*" and not re.fullmatch(r"https?://[^/\s]+", origin):
                raise ValueError(
                    f"{origin!r} is no origin: give scheme and host without a path, as https://risk.example.com"
                )
        return value

    @property
    def origins(self) -> list[str]:
        return [origin.strip() for origin in self.cors_origins.split(",") if origin.strip()]
