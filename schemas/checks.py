"""Checks on values that several schemas share: ids, text, instants, colours, zones."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import available_timezones

import msgspec

MAX_ID_LENGTH = 128
MAX_LOCALE_LENGTH = 256
RESERVED_IDS = frozenset({".", "..", "me"})
_ASSET_ID = re.compile(r"sha256:[0-9a-f]{64}")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,255}")
# RFC 3339, section 5.6 `date-time`; the offset is required.
_INSTANT = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt](?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?"
    r"(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)
# msgspec takes the usual forms alike and is three times as fast; it rounds what is longer.
_LONGEST_EXACT = len("2026-03-01T09:30:00.123456Z")

Check = Callable[[str], str | None]
"""Takes a value, gives what is wrong with it in words, or None where it is right."""


@lru_cache(maxsize=65_536)
def id_problem(value: str) -> str | None:
    """What is wrong with an id: 1 to 128 printable characters other than `:` and `/`."""
    if not 1 <= len(value) <= MAX_ID_LENGTH:
        return f"must have 1 to {MAX_ID_LENGTH} characters, has {len(value)}"
    if not value.isprintable() or ":" in value or "/" in value:
        return "must hold printable characters other than ':' and '/' only"
    if value in RESERVED_IDS:
        return "must not be '.', '..' or 'me'"
    return None


def text_problem(value: str) -> str | None:
    """What is wrong with free text: it holds no NUL and no lone surrogate."""
    wrong = "must hold neither NUL nor a lone surrogate"
    if "\0" in value:
        return wrong
    if value.isascii():
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        return wrong
    return None


def display_name_problem(value: str) -> str | None:
    """What is wrong with a person's name: 1 to 200 characters of text."""
    if not 1 <= len(value) <= 200:
        return f"must have 1 to 200 characters, has {len(value)}"
    return text_problem(value)


def email_problem(value: str) -> str | None:
    """What is wrong with an address (RFC 5321, 4.5.3.1 limits); it says nothing on whether it exists."""
    if not _EMAIL.fullmatch(value):
        return "must be an email address"
    return text_problem(value)


def asset_id_problem(value: str) -> str | None:
    """What is wrong with an asset id: `sha256:` and 64 lower-case hexadecimal digits."""
    return None if _ASSET_ID.fullmatch(value) else "must be 'sha256:' and 64 hexadecimal digits"


def colour_problem(value: str) -> str | None:
    """What is wrong with a colour: `#rrggbb`."""
    return None if _COLOUR.fullmatch(value) else "must be a colour like '#0a5c36'"


def timezone_problem(value: str) -> str | None:
    """What is wrong with a time zone: a name of the IANA database."""
    return None if value in _timezones() else "must be an IANA time zone like 'Europe/Paris'"


def locale_problem(value: str) -> str | None:
    """What is wrong with a locale: any text of bounded length will do, for one that nobody knows costs a member their
    language at most, and must not cost them their registration."""
    if len(value) > MAX_LOCALE_LENGTH:
        return f"must have {MAX_LOCALE_LENGTH} characters at most, has {len(value)}"
    return text_problem(value)


def instant(value: str) -> datetime:
    """The UTC instant of an RFC 3339 date-time; digits beyond microseconds are cut off.

    ValueError says in words what is wrong.
    """
    if len(value) <= _LONGEST_EXACT and value[10:11] == "T" and value[-1] == "Z":
        try:
            return msgspec.convert(value, datetime)
        except msgspec.ValidationError:
            pass  # what is wrong, or unusual, with it is found below
    if _INSTANT.fullmatch(value) is None:
        raise ValueError("must be an RFC 3339 time with an offset like '2026-03-01T09:30:00Z'")
    try:
        if (
            value[17:19] == "60"
        ):  # RFC 3339, 5.7: Python has no leap seconds, the next one stands for it
            return instant(f"{value[:17]}59{value[19:]}") + timedelta(seconds=1)
        moment = datetime.fromisoformat(value if value[-1] != "z" else value.upper())
        return moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be a time that exists, from the year 1 to 9999") from None


@lru_cache(maxsize=1)
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones()) - {"localtime"}  # that is the machine's, not IANA's
