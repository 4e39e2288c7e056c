"""Records are read as kafka-python itself reads them, whatever their format, codec and transactions."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import pytest
from aiokafka.record.default_records import DefaultRecordBatch as CompiledBatch
from hypothesis import given
from hypothesis import strategies as st
from kafka import TopicPartition
from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError
from kafka.protocol.consumer import FetchResponse
from kafka.record.default_records import DefaultRecordBatch
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder
from kafka.record.util import calc_crc32c

from services.records import Message, PartitionRecords

PARTITION: Final = TopicPartition("facts", 3)
CODECS: Final = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
NEWEST: Final = 2
NOBODY: Final = -1
READ_COMMITTED: Final = 1
ATTRIBUTES_AT: Final = DefaultRecordBatch.ATTRIBUTES_OFFSET

Headers = Sequence[tuple[str, bytes | None]]


class Record(NamedTuple):
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


def batch(
    content: Sequence[Record],
    first_offset: int = 0,
    *,
    magic: int = NEWEST,
    codec: str = "none",
    producer_id: int = NOBODY,
) -> bytes:
    """A batch as a broker keeps it."""
    builder = MemoryRecordsBuilder(
        magic, CODECS[codec], 1 << 20, transactional=producer_id != NOBODY, producer_id=producer_id,
        producer_epoch=0 if producer_id != NOBODY else -1, base_sequence=0 if producer_id != NOBODY else -1,
    )  # fmt: skip
    if magic < NEWEST:
        builder.skip(first_offset)
    for number, record in enumerate(content):
        timestamp = 1_700_000_000_000 + number
        assert builder.append(timestamp, record.key, record.value, list(record.headers))
    builder.close()
    made = bytearray(builder.buffer())
    if magic >= NEWEST:  # a broker says where it lies; the checksum leaves that out
        made[:8] = first_offset.to_bytes(8)
    return bytes(made)


def read(
    fetched: bytes, *, kind: Any = PartitionRecords, offset: int = 0, aborted: Sequence[Any] = ()
) -> list[Message]:
    """What a fetch from an offset gives, and last of all where the next fetch begins."""
    taking = kind(
        offset,
        PARTITION,
        MemoryRecords(fetched),
        isolation_level=READ_COMMITTED,
        aborted_transactions=list(aborted),
    )
    taken = taking.take()
    next_offset = taking.next_fetch_offset
    messages = [
        Message(*(getattr(record, name) for name in Message.__struct_fields__)) for record in taken
    ]
    assert next_offset >= max((message.offset + 1 for message in messages), default=offset)
    return [*messages, Message("", 0, next_offset, None, None, ())]


def assert_read_alike(fetched: bytes, **how: Any) -> list[Message]:
    theirs = read(fetched, kind=Fetcher.PartitionRecords, **how)
    ours = read(fetched, **how)
    assert ours == theirs
    return ours[:-1]


some_bytes = st.none() | st.binary(max_size=300)
records_of_any_kind = st.lists(
    st.builds(
        Record,
        some_bytes,
        some_bytes,
        st.lists(st.tuples(st.text(max_size=20), some_bytes), max_size=3),
    ),
    min_size=1,
    max_size=8,
)


@given(st.lists(st.tuples(records_of_any_kind, st.sampled_from(sorted(CODECS))), max_size=4))
def test_any_record_in_any_codec_is_read_as_kafka_python_reads_it(
    batches: list[tuple[list[Record], str]],
) -> None:
    """Keys, values and headers, also none and empty ones, arrive in order and at their offsets."""
    fetched, offset = b"", 5
    for some, codec in batches:
        fetched += batch(some, offset, codec=codec)
        offset += len(some)
    assert len(assert_read_alike(fetched, offset=5)) == offset - 5


@pytest.mark.parametrize("magic", [0, 1])
def test_records_of_before_headers_are_read(magic: int) -> None:
    """A log that is older than Kafka 0.11 holds them still."""
    fetched = batch([Record(b"a", b"1"), Record(None, b"2")], magic=magic)
    assert [message.value for message in assert_read_alike(fetched)] == [b"1", b"2"]


def test_reading_goes_on_in_the_middle_of_a_batch() -> None:
    """A fetch brings whole batches; what lies before the offset asked for is left out."""
    fetched = batch([Record(None, b"%d" % number) for number in range(5)], codec="lz4")
    assert [message.offset for message in assert_read_alike(fetched, offset=3)] == [3, 4]


def test_what_a_publisher_took_back_is_not_given() -> None:
    """A transaction that was aborted is passed over; one that was committed meanwhile, and what has none, is given."""
    fetched = (
        batch([Record(None, b"taken back")], 0, producer_id=7)
        + batch([Record(None, b"committed")], 1, producer_id=8)
        + batch([Record(None, b"plain")], 2)
    )
    aborted = FetchResponse.FetchableTopicResponse.PartitionData.AbortedTransaction(
        producer_id=7, first_offset=0
    )
    given_ = assert_read_alike(fetched, aborted=[aborted])
    assert [message.value for message in given_] == [b"committed", b"plain"]


@pytest.mark.parametrize("codec", CODECS)
def test_usual_records_are_parsed_by_compiled_code(
    codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In any codec; kafka-python's own parser takes twenty times as long, and is for what is unusual."""

    def parse(_batch: object) -> None:
        raise AssertionError("kafka-python was asked")

    fetched = batch([Record(b"key", b"value", [("name", b"content")])], codec=codec)
    monkeypatch.setattr(DefaultRecordBatch, "_read_msg", parse)
    assert [message.value for message in read(fetched)[:-1]] == [b"value"]
    assert "_crecords" in CompiledBatch.__module__


@given(records_of_any_kind, st.integers(1, 5))
def test_what_is_taken_in_pieces_is_the_same(all_: list[Record], size: int) -> None:
    """However few records a poll asks for, it goes on behind the last one that was given."""
    first, second = batch(all_, codec="lz4"), batch(all_, len(all_))
    taking = PartitionRecords(0, PARTITION, MemoryRecords(first + second))
    taken: list[Message] = []
    while taking:
        taken += taking.take(size)
        assert taking.next_fetch_offset == len(taken)
    assert taken == read(first + second)[:-1]


def mark(offset: int, producer_id: int, *, is_commit: bool) -> bytes:
    """What ends a transaction: https://kafka.apache.org/documentation/#controlbatch"""
    key = (0).to_bytes(2) + int(is_commit).to_bytes(2)
    value = (0).to_bytes(2) + (0).to_bytes(4)
    return as_control(batch([Record(key, value)], offset, producer_id=producer_id))


def as_control(content: bytes) -> bytes:
    marked = bytearray(content)
    marked[ATTRIBUTES_AT + 1] |= DefaultRecordBatch.CONTROL_MASK
    return with_checksum(marked)


def emptied(content: bytes) -> bytes:
    """A batch whose records were compacted away."""
    head = bytearray(content[: DefaultRecordBatch.HEADER_STRUCT.size])
    head[8:12] = (len(head) - 12).to_bytes(4)
    head[-4:] = (0).to_bytes(4)
    return with_checksum(head)


def with_checksum(content: bytearray) -> bytes:
    content[ATTRIBUTES_AT - 4 : ATTRIBUTES_AT] = calc_crc32c(
        memoryview(bytes(content))[ATTRIBUTES_AT:]
    ).to_bytes(4)
    return bytes(content)


def test_marks_of_transactions_are_no_messages() -> None:
    """A publisher whose transaction was aborted may commit the next one, of which all is given."""
    aborted = FetchResponse.FetchableTopicResponse.PartitionData.AbortedTransaction(
        producer_id=7, first_offset=0
    )
    fetched = (
        batch([Record(None, b"taken back")], 0, producer_id=7)
        + mark(1, 7, is_commit=False)
        + batch([Record(None, b"kept")], 2, producer_id=7)
        + mark(3, 7, is_commit=True)
    )
    given_ = assert_read_alike(fetched, aborted=[aborted])
    assert [(message.offset, message.value) for message in given_] == [(2, b"kept")]


def test_what_was_compacted_away_is_passed_over() -> None:
    """A log may hold batches without records, also of marks, which kafka-python itself can't read."""
    fetched = (
        emptied(mark(0, 7, is_commit=False))
        + emptied(batch([Record(None, b"gone")], 1))
        + batch([Record(None, b"here")], 2)
    )
    assert [(m.offset, m.value) for m in read(fetched)[:-1]] == [(2, b"here")]


def test_a_batch_with_a_wrong_checksum_is_told() -> None:
    """Where bytes were changed on the way, nothing of the batch is given, and it is said which batch it was."""
    good, bad = batch([Record(None, b"good")]), bytearray(batch([Record(None, b"value")], 1))
    bad[-2] ^= 1
    taking = PartitionRecords(0, PARTITION, MemoryRecords(good + bytes(bad)))
    assert [message.value for message in taking.take()] == [b"good"]
    with pytest.raises(CorruptRecordError, match="facts-3 at offset 1"):
        taking.take()
    assert not taking  # kafka-python would ask what is left of it, for ever
