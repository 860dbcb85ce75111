"""Apache Kafka itself: one node that is broker and controller, in KRaft mode."""

import base64
import secrets
from collections.abc import Sequence
from pathlib import Path

from local_stack.kafka_jars import CONFIGURATION, java, kafka_jars
from local_stack.kafka_metadata import live_brokers
from local_stack.ports import LOOPBACK
from local_stack.process import run_tool
from local_stack.server import Server

# The second line trades peak speed, which nobody here needs, for a start in seconds.
_JVM = (
    *("-Xms128m", "-Xmx512m", "-Djava.awt.headless=true"),
    *("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-XX:-UsePerfData"),
)

SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    # One node cannot replicate.
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # Tests wait for groups to form and for a killed broker to come back.
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "6000",
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    # Small, for a 512 MB heap.
    "log.cleaner.dedupe.buffer.size": "16777216",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
}


class KafkaServer(Server):
    """One Kafka node on the loopback interface, no authentication, no automatic topics."""

    name = "kafka"
    ports_needed = 2
    start_timeout = 90.0

    @property
    def address(self) -> str:
        """`host:port` for clients: what `RISKSTREAM_KAFKA` takes."""
        return f"{LOOPBACK}:{self.port}"

    def _prepare(self) -> None:
        """Make the storage when it is not there; needs no port."""
        if (self._data / "meta.properties").exists():
            return
        # The formatting tool reads its own copy, in which ports stand for nothing.
        configuration = self._write_configuration("format.properties", range(9092, 9092 + self.ports_needed))
        cluster = base64.urlsafe_b64encode(b"local" + secrets.token_bytes(11)).decode().rstrip("=")
        tool = ["kafka.tools.StorageTool", "format", "--cluster-id", cluster, "--config", str(configuration)]
        tool += self._format_arguments()
        run_tool(
            [*self._java(), *tool],
            log=self.folder / "format.log",
            abandoned=self._abandoned,
            timeout=self.start_timeout,
        )

    def _command(self) -> Sequence[str | Path]:
        configuration = self._write_configuration("server.properties", self._ports)
        return [*self._java(), "kafka.Kafka", str(configuration)]

    def _ready(self) -> bool:
        try:
            return live_brokers(LOOPBACK, self.port) > 0
        except OSError:
            return False

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _java(self) -> list[str]:
        jars = kafka_jars(self._abandoned)
        logging = f"-Dlog4j2.configurationFile={CONFIGURATION / 'log4j2.properties'}"
        return [str(java()), *_JVM, logging, "-cp", f"{jars}/*"]

    def _write_configuration(self, name: str, ports: Sequence[int]) -> Path:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text("".join(f"{key}={value}\n" for key, value in self._settings(ports).items()))
        return path

    def _settings(self, ports: Sequence[int]) -> dict[str, str]:
        """The node's on these ports: for clients, for the controller, and what a kind of server adds."""
        broker, controller, *_ = ports
        return SETTINGS | {
            "listeners": f"PLAINTEXT://{LOOPBACK}:{broker},CONTROLLER://{LOOPBACK}:{controller}",
            "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{broker}",
            "controller.quorum.voters": f"1@{LOOPBACK}:{controller}",
            "log.dirs": str(self._data),
        }

    def _format_arguments(self) -> list[str]:
        """What the tool that makes the storage is told besides."""
        return []
