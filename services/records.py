"""Records as Kafka holds them, parsed by compiled code.

kafka-python (3.0) parses records in Python, which took a third of a fact's way into the journal. aiokafka has a
compiled parser of the same descent; what that can't read is left to kafka-python, which reads it or says what is wrong.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from aiokafka.record.default_records import DefaultRecordBatch as CompiledBatch
from kafka import KafkaConsumer
from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError
from kafka.record.default_records import DefaultRecordBatch
from kafka.record.util import decode_varint
from msgspec import Struct

# https://kafka.apache.org/documentation/#recordbatch; before it (Kafka 0.11) there were no transactions and no headers
_MAGIC: Final = 2
# Length, attributes, timestamp, offset: https://kafka.apache.org/documentation/#record
_NUMBERS_BEFORE_KEY: Final = 4


class Message(Struct, frozen=True, gc=False):
    """A record as Kafka holds it; `topic` is its real name."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


def give_messages(consumer: KafkaConsumer) -> None:
    """Makes a consumer's polls give `Message`s."""
    consumer._fetcher.PartitionRecords = PartitionRecords


class PartitionRecords(Fetcher.PartitionRecords):  # type: ignore[misc] # kafka-python is untyped
    """What a fetch brought of one partition, as kafka-python's fetcher takes it."""

    def _unpack_records(self, partition: Any, batches: Any, *_: object) -> Iterator[Message]:
        topic, number = partition
        try:
            for batch in batches:
                self._check(batch)
                if self._holds_messages(batch):
                    records = _records(batch)
                    self.records_read += len(records)
                    for record in records:
                        offset = record.offset
                        self.next_fetch_offset = offset + 1
                        yield Message(
                            topic, number, offset, record.key, record.value, record.headers
                        )
                if batch.magic >= _MAGIC:  # its last records may have been compacted away
                    self.next_fetch_offset = batch.next_offset
        except Exception:
            self.drain()  # else kafka-python asks for what comes behind the error, for ever
            raise
        self.drain()

    def _check(self, batch: Any) -> None:
        if not batch.validate_crc():
            topic, number = self.topic_partition
            raise CorruptRecordError(
                f"batch of {topic}-{number} at offset {batch.base_offset}: wrong checksum"
            )
        self.bytes_read += batch.size_in_bytes

    def _holds_messages(self, batch: Any) -> bool:
        """Whether its records are to be given: not those of transactions' marks, nor of aborted transactions."""
        if batch.magic < _MAGIC:
            return True
        self.leader_epoch = batch.leader_epoch
        if batch.has_producer_id():
            self._consume_aborted_transactions_up_to(batch.last_offset)
            if batch.records_count and self._contains_abort_marker(batch):  # compacted, it has none
                self.aborted_producer_ids.discard(batch.producer_id)
            elif self._is_batch_aborted(batch):
                return False
        return not batch.is_control_batch


def _records(batch: Any) -> list[Any]:
    if batch.magic < _MAGIC:
        return list(batch)
    try:
        return list(CompiledBatch(batch._buffer))
    except Exception:  # kafka-python says what is wrong, where anything is
        return list(_TolerantBatch(batch._buffer))


class _TolerantBatch(DefaultRecordBatch):  # type: ignore[misc] # kafka-python is untyped
    """A batch in which a header's name may be no UTF-8: `?` is read for what is not ASCII in such a name.

    The protocol wants names to be UTF-8, and no broker checks it. Java's client reads such names with
    substitutes; so do we, so that one careless publisher does not stop everybody's facts.
    """

    __slots__ = ()

    def _read_msg(self) -> Any:
        try:
            return DefaultRecordBatch._read_msg(self)
        except UnicodeDecodeError:
            self._mend_header_names()
            return DefaultRecordBatch._read_msg(self)

    def _mend_header_names(self) -> None:
        """Overwrites names in the record to be read, each with as many bytes as it has."""
        buffer: bytearray = self._buffer
        position: int = self._pos
        for _ in range(_NUMBERS_BEFORE_KEY):
            _, position = decode_varint(buffer, position)
        for _ in ("key", "value"):
            size, position = decode_varint(buffer, position)
            position += max(0, size)
        count, position = decode_varint(buffer, position)
        for _ in range(count):
            size, position = decode_varint(buffer, position)
            for place in range(position, position + size):
                if not chr(buffer[place]).isascii():
                    buffer[place] = ord("?")
            position += size
            size, position = decode_varint(buffer, position)
            position += max(0, size)
