"""Records with a header name that is no UTF-8: kafka-python (3.0) can't read past one, ever.

The protocol wants names to be UTF-8, and no broker checks it. Java's client reads such names with
substitutes; so do we, so that one careless publisher does not stop everybody's facts.
"""

from typing import Any, Final

from kafka.record import memory_records
from kafka.record.default_records import DefaultRecordBatch
from kafka.record.util import decode_varint

# Length, attributes, timestamp, offset: https://kafka.apache.org/documentation/#record
_NUMBERS_BEFORE_KEY: Final = 4


def tolerate_header_names() -> None:
    """Makes the consumers of this process read `?` for what is not ASCII in such names."""
    memory_records.DefaultRecordBatch = _TolerantBatch


class _TolerantBatch(DefaultRecordBatch):  # type: ignore[misc] # kafka-python is untyped
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
