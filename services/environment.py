"""Settings: environment variables, read once at the start into one frozen dataclass per service.

A field says where it comes from, how it is read, what holds without it and what it means, once:

    @settings
    class SharingSettings:
        listen: Address = setting("SHARING_LISTEN", listen_address, "127.0.0.1:8002", "Where …")
        auth: HttpAuthSettings = group(HttpAuthSettings)

`read_settings(SharingSettings, os.environ)` refuses all wrong variables at once, each with its
name, what was found and what is expected; `describe(SharingSettings)` gives the same fields as
data, for documentation. An empty variable counts as unset: docker compose makes that of an absent
one. Settings of a shared room stand in that room; only those of Kafka stand here.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar, cast, dataclass_transform
from urllib.parse import urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from services.kafka import KafkaSettings

T = TypeVar("T")
Reader = Callable[[str], T]
"""Reads a variable's text. Its ValueError ends the sentence "expected …", without that text."""

_SETTING: Final = "setting"
_GROUP: Final = "group"


class SettingsError(Exception):
    """Settings a service can't start with: one complaint for each wrong variable."""

    def __init__(self, *complaints: str) -> None:
        super().__init__("\n".join(complaints))
        self.complaints = complaints


class ListenError(Exception):
    """An address that can't be listened on, most often because another process does."""

    def __init__(self, address: "Address", reason: OSError) -> None:
        super().__init__(f"cannot listen on {address}: {reason.strerror or reason}")


class Address(NamedTuple):
    """A host and a port to listen on; port 0 lets the system choose one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect. Of names, `localhost` alone is taken for that."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One variable as data. `default` is as one would write it, None where nothing is set."""

    name: str
    meaning: str
    default: str | None
    secret: bool
    read: Reader[Any] = field(repr=False, compare=False)

    def value(self, environ: Mapping[str, str]) -> Any:
        """What the variable holds, or else the default; SettingsError where it can't be used."""
        found = environ.get(self.name) or self.default
        if found is None:
            return None
        try:
            return self.read(found)
        except ValueError as error:
            shown = f"{len(found.encode())} bytes (not shown)" if self.secret else _shown(found)
            raise SettingsError(f"{self.name}: found {shown}, expected {error}") from None


def setting(name: str, read: Reader[T], default: str, meaning: str, *, secret: bool = False) -> T:
    """A field read from a variable, with a default. A secret one is never shown or logged."""
    return cast(T, _field(name, read, default, meaning, secret))


def optional(name: str, read: Reader[T], meaning: str, *, secret: bool = False) -> T | None:
    """A field read from a variable, None where it is unset."""
    return cast(T | None, _field(name, read, None, meaning, secret))


def group(cls: type[T], named: Mapping[str, Setting] | None = None) -> T:
    """A field that holds settings of its own; `named` are those of a `cls` without `@settings`."""
    return cast(T, field(metadata={_GROUP: (cls, named)}))


@dataclass_transform(
    frozen_default=True, kw_only_default=True, field_specifiers=(setting, optional, group)
)
def settings(cls: type[T]) -> type[T]:
    """Makes a frozen dataclass of a class whose fields are `setting`, `optional` or `group`."""
    return dataclass(frozen=True, kw_only=True)(cls)


def read_settings(cls: type[T], environ: Mapping[str, str]) -> T:
    """An instance of `cls` from variables; SettingsError with a complaint for every wrong one."""
    return _build(cls, _parts(cls), environ)


def describe(cls: type[Any]) -> tuple[Setting, ...]:
    """Every variable that `cls` is read from, groups included, in the order of its fields."""
    return tuple(_flat(_parts(cls)))


class _Group(NamedTuple):
    cls: type[Any]
    parts: "Mapping[str, _Part]"


_Part = Setting | _Group


def _field(name: str, read: Reader[Any], default: str | None, meaning: str, secret: bool) -> Any:
    declared = Setting(name=name, meaning=meaning, default=default, secret=secret, read=read)
    return field(metadata={_SETTING: declared}, repr=not secret)


def _shown(found: str) -> str:
    return repr(re.sub(r"//.*@", "//…@", found))  # a URL may carry a password


def _parts(cls: type[Any]) -> dict[str, _Part]:
    parts: dict[str, _Part] = {}
    for declared in fields(cls):
        if _SETTING in declared.metadata:
            parts[declared.name] = declared.metadata[_SETTING]
        else:
            inner, named = declared.metadata[_GROUP]
            parts[declared.name] = _Group(inner, _parts(inner) if named is None else named)
    return parts


def _flat(parts: Mapping[str, _Part]) -> Iterator[Setting]:
    for part in parts.values():
        if isinstance(part, Setting):
            yield part
        else:
            yield from _flat(part.parts)


def _build(cls: type[T], parts: Mapping[str, _Part], environ: Mapping[str, str]) -> T:
    values: dict[str, Any] = {}
    complaints: list[str] = []
    for name, part in parts.items():
        try:
            if isinstance(part, Setting):
                values[name] = part.value(environ)
            else:
                values[name] = _build(part.cls, part.parts, environ)
        except SettingsError as error:
            complaints += error.complaints
    if complaints:
        raise SettingsError(*complaints)
    try:
        return cls(**values)
    except ValueError as error:  # of a __post_init__: what doesn't go together
        raise SettingsError(str(error)) from None


# Readers


def text(value: str) -> str:
    """Any text."""
    return value


def choice(*words: str) -> Reader[str]:
    """One of `words`, in upper or lower case; read as it is written here."""
    spelled = {word.lower(): word for word in words}

    def read(value: str) -> str:
        try:
            return spelled[value.lower()]
        except KeyError:
            raise ValueError(f"one of {', '.join(words)}") from None

    return read


def whole_number(least: int, most: int) -> Reader[int]:
    """A whole number in digits, from `least` to `most`."""

    def read(value: str) -> int:
        if re.fullmatch(r"[0-9]{1,9}", value) is None or not least <= int(value) <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(value)

    return read


def url(*schemes: str) -> Reader[str]:
    """An absolute URL of one of the schemes; read without a slash at its end."""

    def read(value: str) -> str:
        if not _is_url(value, schemes):
            raise ValueError(f"a URL like {schemes[0]}://host:port")
        return value.rstrip("/")

    return read


def database_url(value: str) -> str:
    """What libpq takes for a connection: `postgresql://user:password@host:port/name`."""
    try:
        conninfo_to_dict(value)
    except ProgrammingError:
        raise ValueError("a URL like postgresql://user:password@host:port/name") from None
    return value


def listen_address(value: str) -> Address:
    """`host:port`, an IPv6 host in brackets."""
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s:/\[\]]+)):(\d{1,5})", value, re.ASCII)
    if match is None or int(match[3]) > 65_535:
        raise ValueError("host:port like 127.0.0.1:8001 or [::1]:8001")
    return Address(match[1] or match[2], int(match[3]))


def host_list(value: str) -> str:
    """`host:port`, several of them separated by commas."""
    try:
        return ",".join(str(listen_address(part.strip())) for part in value.split(","))
    except ValueError:
        raise ValueError("host:port, or several of them separated by commas") from None


def file(value: str) -> Path:
    """A file that can be read."""
    path = Path(value)
    if not path.is_file() or not os.access(path, os.R_OK):
        raise ValueError("a file that can be read")
    return path


def file_or_address(value: str) -> Path | str:
    """A file that can be read, or an https or http URL."""
    if _is_url(value, ("https", "http")):
        return value
    try:
        return file(value)
    except ValueError:
        raise ValueError("a file that can be read, or an https or http URL") from None


def secret_bytes(min_bytes: int) -> Reader[bytes]:
    """A secret of at least `min_bytes` bytes in UTF-8."""

    def read(value: str) -> bytes:
        if len(value.encode()) < min_bytes:
            raise ValueError(f"at least {min_bytes} bytes")
        return value.encode()

    return read


def _is_url(value: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port out of range, a broken IPv6 host
        return False


# Kafka's variables


def kafka_group() -> KafkaSettings:
    """A field that holds the Kafka variables."""
    return group(KafkaSettings, _KAFKA)


def _prefix(value: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9._-]{0,150}", value) is None:
        raise ValueError("letters, digits, '.', '_' and '-' only")
    return value


def _readable(value: str) -> str:
    return str(file(value))


def _kafka(
    name: str, read: Reader[Any], default: str | None, meaning: str, *, secret: bool = False
) -> Setting:
    return Setting(name=f"KAFKA_{name}", meaning=meaning, default=default, secret=secret, read=read)


_PROTOCOL = choice("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
_MECHANISM = choice("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_KAFKA: Final[dict[str, Setting]] = {
    "bootstrap_servers": _kafka("BOOTSTRAP_SERVERS", host_list, "127.0.0.1:9092", "Brokers"),
    "security_protocol": _kafka("SECURITY_PROTOCOL", _PROTOCOL, "PLAINTEXT", "Way to brokers"),
    "sasl_mechanism": _kafka("SASL_MECHANISM", _MECHANISM, None, "How to sign in, with SASL"),
    "sasl_username": _kafka("SASL_USERNAME", text, None, "Who signs in"),
    "sasl_password": _kafka("SASL_PASSWORD", text, None, "Their password", secret=True),
    "ssl_cafile": _kafka("SSL_CAFILE", _readable, None, "Certificates to check brokers by"),
    "topic_prefix": _kafka("TOPIC_PREFIX", _prefix, "", "What every topic's name begins with"),
    "group_prefix": _kafka("GROUP_PREFIX", _prefix, "", "What every group's name begins with"),
}
