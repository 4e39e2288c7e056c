"""Ids and words for random histories, as odd as the contract allows.

A user's id is part of no other text of a history but where that user is named; nor are a person's name and address:
they begin with words that tell a leak.
"""

from typing import Final

NAME_MARK: Final = "Pseudonym"
MAIL_MARK: Final = "@people.example"
REMARK_MARK: Final = "Between-us"
"""Every name, address and free word of an admin holds one of these."""

ORGANIZATIONS: Final = (
    "acme",
    "Org %41 & Söhne",
    "組織 1",
    "org.two",
    "a+b=c?d#e",
    "Ünïted",
    "…",
    "org%2Ftwo",
    "x" * 128,
    "'; DROP TABLE journal; --",
    '"quoted\\',
)
_USERS: Final = (
    "user-{:04}",
    "u {:04} v",
    "100% {:04}%",
    "%2F{:04}%",
    "{:04}...",
    "a+b&c={:04};",
    "имя-{:04}-",
    "用户{:04}号",
    "q?{:04}#x",
    "'{:04}\"\\",
    "e\u0301{:04}\u0301",  # an accent of its own …
    "é{:04}é",  # … and the same in one character: two different people
    " {:04} ",
    "ME{:04}.me",
    "مستخدم {:04}.",
    "{{organization_id}}{:04}}}",
)
_PROGRAMS: Final = ("p{}", "Mentoring {} %", "programme.{}", "プログラム {}", "{}%3A{}")
_SESSIONS: Final = ("s-{:x}", "sess {:x} %", "{:x}.json", "séance-{:x}", "%00{:x}")


def organization(number: int) -> str:
    suffix = "" if number < len(ORGANIZATIONS) else f" ({number})"
    return ORGANIZATIONS[number % len(ORGANIZATIONS)][: 128 - len(suffix)] + suffix


def user(number: int) -> str:
    return _USERS[number % len(_USERS)].format(number)


def program(number: int) -> str:
    return _PROGRAMS[number % len(_PROGRAMS)].format(number, number)


def session(number: int) -> str:
    return _SESSIONS[number % len(_SESSIONS)].format(number)


def display_name(organization_number: int, user_number: int) -> str:
    return f"{NAME_MARK}-{organization_number}-{user_number:04}- Łucja ابن «O'Neil» 李"


def email(organization_number: int, user_number: int) -> str:
    return f"mail-{organization_number}-{user_number:04}-{MAIL_MARK}"


def remark(number: int) -> str:
    return f"{REMARK_MARK}-{number:06}-, ça va"
