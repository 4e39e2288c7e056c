"""Addresses: of RFC 5322 and RFC 6532, with what they need to be written down for servers of any age."""

from email.errors import MessageError
from email.headerregistry import Address, AddressHeader, HeaderRegistry
from typing import Final, NamedTuple

import idna

_FORM: Final = "an address, alone or like 'Achievements <achievements@example.org>'"


class UnusableAddressError(Exception):
    """No mail can be sent to this address; the error does not tell it."""


class Mailbox(NamedTuple):
    """Somebody's name and address; the name may be empty."""

    name: str
    address: str


def parsed(address: str) -> Address:
    """An address without a name, its domain in ASCII (RFC 5890).

    UnusableAddressError where it is none, though it looked like one.
    """
    local_part, _, domain = address.rpartition("@")
    try:
        if not domain.isascii():
            domain = idna.encode(domain, uts46=True).decode()
        # The parser takes ASCII alone; to a local part, RFC 6532 adds all the rest as letters.
        plain = "".join(letter if letter.isascii() else "x" for letter in local_part)
        found = Address(addr_spec=f"{plain}@{domain}")
    except (MessageError, ValueError, IndexError):
        raise UnusableAddressError from None
    if found.addr_spec != f"{plain}@{domain}":  # it held a comment
        raise UnusableAddressError
    return found if local_part.isascii() else Address(username=local_part, domain=domain)


def sender(value: str) -> Mailbox:
    """Reads a setting: an address of ASCII characters, alone or as `Name <address>`."""
    header = HeaderRegistry()("From", value)
    assert isinstance(header, AddressHeader)
    try:
        (group,) = header.groups
        (found,) = group.addresses
        parsed(found.addr_spec)
    except (UnusableAddressError, ValueError):
        raise ValueError(_FORM) from None
    if header.defects or group.display_name is not None or not found.username.isascii():
        raise ValueError(_FORM)
    return Mailbox(found.display_name, found.addr_spec)
