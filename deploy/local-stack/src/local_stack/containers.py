"""The same servers from container images, for machines where Docker is at hand and Java or the wheels are not.

Ports are published on the loopback interface of this machine, so Docker must run here.
"""

from abc import abstractmethod
from typing import ClassVar

from docker.errors import DockerException  # type: ignore[import-untyped]
from testcontainers.core.container import DockerContainer

from local_stack import kafka, postgres
from local_stack.errors import ServerUnavailable
from local_stack.kafka_jars import kafka_version
from local_stack.ports import LOOPBACK
from local_stack.process import Account
from local_stack.server import Server
from local_stack.valkey import ValkeyServer

POSTGRES_IMAGE = "postgres:18.6"
VALKEY_IMAGE = "valkey/valkey:9.1.2"
KAFKA_IMAGE = "apache/kafka"
"""In the version that the pom names."""


class ContainerServer(Server):
    """A server whose process is a container, which keeps its port and data until `close`."""

    ports_needed: ClassVar[int] = 1

    _container: DockerContainer | None = None

    @property
    def running(self) -> bool:
        """Whether the container is there, paused or not."""
        return self._status() in {"created", "running", "paused"}

    def stop(self) -> None:
        """Stop in order; data and port are kept."""
        self.resume()
        if self._container is not None:
            self._container.get_wrapped_container().stop(timeout=10)

    def kill(self) -> None:
        """Stop as a power cut does; data and port are kept."""
        if self._container is not None and self.running:
            self._container.get_wrapped_container().kill()

    def pause(self) -> None:
        """Freeze all processes of the container."""
        if self._container is not None and self._status() == "running":
            self._container.get_wrapped_container().pause()

    def resume(self) -> None:
        """Go on after `pause`."""
        if self._container is not None and self._status() == "paused":
            self._container.get_wrapped_container().unpause()

    def close(self) -> None:
        """Stop for good and remove the container with its data."""
        super().close()
        if self._container is not None:
            self._container.stop()
            self._container = None

    @abstractmethod
    def _describe(self) -> DockerContainer:
        """Image, environment and command of the container."""

    @property
    def _inner_port(self) -> int:
        """The port that the server listens on inside the container."""
        raise NotImplementedError(f"{type(self).__name__} must say which port it listens on")

    def _prepare(self) -> None:
        """Nothing: images prepare themselves."""

    def _spawn(self) -> None:
        if self._container is not None:
            self._container.get_wrapped_container().start()
            return
        try:
            container = self._describe()
            # In docker-py's own form: `with_bind_ports` would publish on every interface.
            container.ports[str(self._inner_port)] = (LOOPBACK, self.port)  # type: ignore[assignment]
            self._container = container.start()
        except DockerException as error:
            raise ServerUnavailable(f"the container of {self.name} cannot be had from Docker: {error}") from error

    def _status(self) -> str:
        if self._container is None:
            return "absent"
        wrapped = self._container.get_wrapped_container()
        wrapped.reload()
        return str(wrapped.status)

    def _last_words(self) -> str:
        if self._container is None:
            return ""
        return bytes(self._container.get_wrapped_container().logs(tail=30)).decode(errors="replace")

    def _account(self) -> Account | None:
        return None


class PostgresContainer(ContainerServer, postgres.PostgresServer):
    """PostgreSQL from its official image."""

    @property
    def _inner_port(self) -> int:
        return 5432

    def _prepare(self) -> None:
        if not (self.folder / "password").exists():
            self._choose_password()

    def _describe(self) -> DockerContainer:
        # The image's entry point needs its socket, and the published port does not arrive on the loopback inside.
        settings = self._settings | {"listen_addresses": "*"}
        del settings["unix_socket_directories"]
        return (
            DockerContainer(POSTGRES_IMAGE)
            .with_env("POSTGRES_PASSWORD", self.password)
            .with_env("POSTGRES_INITDB_ARGS", f"--encoding=UTF8 --locale={postgres.LOCALE}")
            .with_command(["postgres", *postgres.as_options(settings)])
        )


class ValkeyContainer(ContainerServer, ValkeyServer):
    """Valkey from its official image."""

    @property
    def _inner_port(self) -> int:
        return 6379

    def _describe(self) -> DockerContainer:
        return DockerContainer(VALKEY_IMAGE).with_command(
            ["valkey-server", "--appendonly", "yes", "--save", "", "--protected-mode", "no"]
        )


class KafkaContainer(ContainerServer, kafka.KafkaServer):
    """Apache Kafka from its official image."""

    @property
    def _inner_port(self) -> int:
        """The same inside and outside: the broker calls itself by the address that it advertises."""
        return self.port

    def _describe(self) -> DockerContainer:
        settings = kafka.SETTINGS | {
            "listeners": f"PLAINTEXT://0.0.0.0:{self.port},CONTROLLER://{LOOPBACK}:9093",
            "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{self.port}",
            "controller.quorum.voters": f"1@{LOOPBACK}:9093",
        }
        container = DockerContainer(f"{KAFKA_IMAGE}:{kafka_version()}").with_env("KAFKA_HEAP_OPTS", "-Xmx512m")
        for name, value in settings.items():
            container.with_env("KAFKA_" + name.upper().replace(".", "_"), value)
        return container
