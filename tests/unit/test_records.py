"""Records are read as kafka-python itself reads them, whatever their format, codec and transactions."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka import TopicPartition
from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError
from kafka.protocol.consumer import FetchResponse
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder

from services.records import Message, PartitionRecords

PARTITION: Final = TopicPartition("facts", 3)
CODECS: Final = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
NEWEST: Final = 2
NOBODY: Final = -1
READ_COMMITTED: Final = 1

Headers = Sequence[tuple[str, bytes | None]]


class Record(NamedTuple):
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


def batch(
    records: Sequence[Record],
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
    for number, record in enumerate(records):
        timestamp = 1_700_000_000_000 + number
        assert builder.append(timestamp, record.key, record.value, list(record.headers))
    builder.close()
    content = bytearray(builder.buffer())
    if magic >= NEWEST:  # a broker says where it lies; the checksum leaves that out
        content[:8] = first_offset.to_bytes(8)
    return bytes(content)


def read(
    fetched: bytes, *, kind: Any = PartitionRecords, offset: int = 0, aborted: Sequence[Any] = ()
) -> list[Message]:
    """What a fetch from an offset gives, and last of all where the next fetch begins."""
    records = kind(
        offset,
        PARTITION,
        MemoryRecords(fetched),
        isolation_level=READ_COMMITTED,
        aborted_transactions=list(aborted),
    )
    taken = records.take()
    next_offset = records.next_fetch_offset
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
    for records, codec in batches:
        fetched += batch(records, offset, codec=codec)
        offset += len(records)
    assert len(assert_read_alike(fetched, offset=5)) == offset - 5


@pytest.mark.parametrize("magic", [0, 1])
def test_records_of_before_headers_are_read(magic: int) -> None:
    """A log that is older than Kafka 0.11 holds them still."""
    records = [Record(b"a", b"1"), Record(None, b"2")]
    assert [m.value for m in assert_read_alike(batch(records, magic=magic))] == [b"1", b"2"]


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


def test_a_batch_with_a_wrong_checksum_is_told() -> None:
    """Where bytes were changed on the way, nothing of the batch is given, and it is said which batch it was."""
    good, bad = batch([Record(None, b"good")]), bytearray(batch([Record(None, b"value")], 1))
    bad[-2] ^= 1
    records = PartitionRecords(0, PARTITION, MemoryRecords(good + bytes(bad)))
    assert [message.value for message in records.take()] == [b"good"]
    with pytest.raises(CorruptRecordError, match="facts-3 at offset 1"):
        records.take()
