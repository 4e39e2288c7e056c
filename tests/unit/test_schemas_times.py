"""Times are RFC 3339 date-times with an offset, in every field that holds one and in the envelope."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import checks
from schemas.learning import INBOUND_TYPES
from tests.unit.test_schemas_samples import (
    SAMPLES,
    changed,
    envelope,
    refused,
    refused_data,
    taken,
    to_bytes,
)

RIGHT: Final = {
    "2026-03-01T09:30:00Z": datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
    "2026-03-01t09:30:00z": datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
    "2026-03-01t09:30:00Z": datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
    "2026-03-01T09:30:00z": datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
    "2026-03-01T09:30:00+00:00": datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
    "2026-03-01T09:30:00-00:00": datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
    "2026-03-01T09:30:00+05:30": datetime(2026, 3, 1, 4, tzinfo=UTC),
    "2026-03-01t09:30:00.5-23:59": datetime(2026, 3, 2, 9, 29, 0, 500_000, tzinfo=UTC),
    "2026-03-01T00:00:00+23:59": datetime(2026, 2, 28, 0, 1, tzinfo=UTC),
    "2024-02-29T23:59:59.9Z": datetime(2024, 2, 29, 23, 59, 59, 900_000, tzinfo=UTC),
    "2026-03-01T09:30:00.123456Z": datetime(2026, 3, 1, 9, 30, 0, 123_456, tzinfo=UTC),
    # Digits beyond microseconds are cut off.
    "2026-03-01T09:30:00.1234569999Z": datetime(2026, 3, 1, 9, 30, 0, 123_456, tzinfo=UTC),
    "2026-03-01T09:30:00." + "0" * 300 + "9Z": datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
    # The next second stands for a leap second.
    "2016-12-31T23:59:60Z": datetime(2017, 1, 1, tzinfo=UTC),
    "2017-01-01T00:59:60.25+01:00": datetime(2017, 1, 1, 0, 0, 0, 250_000, tzinfo=UTC),
    "0001-01-01T00:00:00Z": datetime(1, 1, 1, tzinfo=UTC),
    "0001-01-01T00:00:00-01:00": datetime(1, 1, 1, 1, tzinfo=UTC),
    "9999-12-31T23:59:59.999999Z": datetime.max.replace(tzinfo=UTC),
}
WRONG: Final = (
    "",
    "now",
    "2026-03-01",
    "2026-03-01T09:30:00",
    "2026-03-01T09:30Z",
    "2026-03-01 09:30:00Z",
    "2026-03-01_09:30:00Z",
    "2026-03-01T09:30:00+0100",
    "2026-03-01T09:30:00+01",
    "2026-03-01T09:30:00+1:00",
    "2026-03-01T09:30:00 +01:00",
    "2026-03-01T09:30:00+01:00Z",
    "2026-03-01T09:30:00+24:00",
    "2026-03-01T09:30:00+23:60",
    "2026-03-01T09:30:00+01:00:00",
    "2026-03-01T09:30:00\u221201:00",
    "2026-03-01T09:30:00.Z",
    "2026-03-01T09:30:00,5Z",
    "2026-03-01T24:00:00Z",
    "2026-03-01T09:60:00Z",
    "2026-03-01T09:30:61Z",
    "2026-3-1T9:30:00Z",
    "2026-02-29T09:30:00Z",
    "2026-13-01T09:30:00Z",
    "2026-00-01T09:30:00Z",
    "2026-04-31T09:30:00Z",
    "20260301T093000Z",
    "2026-W09-7T09:30:00Z",
    "2026-060T09:30:00Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+01:00",
    "9999-12-31T23:59:59-00:01",
    "9999-12-31T23:59:60Z",
    "+2026-03-01T09:30:00Z",
    "12026-03-01T09:30:00Z",
    " 2026-03-01T09:30:00Z",
    "2026-03-01T09:30:00Z\n",
    "2026-03-01T09:30:00Z\0",
    "２０２６-03-01T09:30:00Z",
    "2026-03-01T09:30:00\ud800",
    "1772357400",
)
FIELDS: Final = [
    (cls.__name__, field)
    for cls in INBOUND_TYPES
    for field, hint in get_type_hints(cls).items()
    if hint is datetime
]


@pytest.mark.parametrize("text", RIGHT)
def test_right_times(text: str) -> None:
    """A date-time of RFC 3339 is the instant it means, in UTC."""
    moment = checks.instant(text)
    assert moment == RIGHT[text]
    assert moment.utcoffset() == timedelta(0)


@pytest.mark.parametrize(("name", "field"), FIELDS)
def test_times_in_data(name: str, field: str) -> None:
    """A time without an offset, out of the calendar or in another format is refused by the field's name."""
    for right, moment in RIGHT.items():
        assert getattr(taken(name, changed(name, **{field: right})), field) == moment
    wrongs: tuple[Any, ...] = (*WRONG, 1_772_357_400, 1.5, True, ["2026-03-01T09:30:00Z"], {})
    for wrong in wrongs:
        assert refused_data(name, changed(name, **{field: wrong})).startswith(f"data.{field}: ")


@pytest.mark.parametrize("wrong", [*WRONG, 0, False, [], {}])
def test_the_envelopes_time(wrong: Any) -> None:
    """A time of the event that is none makes it no CloudEvent."""
    code, detail = refused(
        to_bytes(envelope("MemberErased", SAMPLES["MemberErased"], time=wrong)), ()
    )
    assert (code, detail.partition(":")[0]) == ("not_cloudevent", "time")


def test_the_envelopes_time_may_be_any_right_one_or_none() -> None:
    """An event may have any time, none, or null."""
    for right in (*RIGHT, None):
        taken("MemberErased", SAMPLES["MemberErased"], time=right)
    without_time = envelope("MemberErased", SAMPLES["MemberErased"])
    del without_time["time"]
    assert refused(to_bytes(without_time | {"type": "x"}), ())[0] == "unknown_type"


def test_every_field_that_holds_a_time_is_tested() -> None:
    """All fields whose name says that they are an instant are held to be one."""
    assert {field for _, field in FIELDS} == {
        field for sample in SAMPLES.values() for field in sample if field.endswith("_at")
    }


@settings(deadline=None)
@given(st.datetimes(timezones=st.timezones() | st.just(UTC)))
def test_any_instant_is_read_back(moment: datetime) -> None:
    """What Python writes of an instant, in any whole-minute offset, is read as that instant."""
    offset = moment.utcoffset() or timedelta(0)
    if offset % timedelta(minutes=1):
        return  # of times before there were time zones; RFC 3339 can't say it
    try:
        expected = moment.astimezone(UTC)
    except OverflowError:
        with pytest.raises(ValueError, match="that exists"):
            checks.instant(moment.isoformat())
        return
    assert checks.instant(moment.isoformat()) == expected


@settings(deadline=None)
@given(st.text(alphabet="0123456789-+:.TtZz ") | st.text())
def test_any_text_is_an_instant_or_a_value_error(text: str) -> None:
    """Whatever text comes, it is an instant of the calendar or refused as a wrong value."""
    try:
        moment = checks.instant(text)
    except ValueError:
        return
    assert moment.utcoffset() == timedelta(0)
