"""Settings from environment variables."""

from pathlib import Path

import pytest

from services.environment import (
    Address,
    Reader,
    SettingsError,
    choice,
    database_url,
    describe,
    file,
    file_or_address,
    group,
    host_list,
    kafka_group,
    listen_address,
    optional,
    read_settings,
    secret_bytes,
    setting,
    settings,
    text,
    url,
)
from services.kafka import KafkaSettings


@settings
class InnerSettings:
    word: str = setting("WORD", choice("one", "two"), "one", "A word")
    secret: bytes | None = optional("SECRET", secret_bytes(8), "A secret", secret=True)


@settings
class SampleSettings:
    listen: Address = setting("LISTEN", listen_address, "127.0.0.1:8001", "Where it listens")
    name: str = setting("NAME", text, "nobody", "A name")
    inner: InnerSettings = group(InnerSettings)


@settings
class StreamSettings:
    kafka: KafkaSettings = kafka_group()


def complaints(cls: type[object], **environ: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as refused:
        read_settings(cls, environ)
    return refused.value.complaints


def test_defaults() -> None:
    """Without any variable, every default holds and what has none is None."""
    assert read_settings(SampleSettings, {}) == SampleSettings(
        listen=Address("127.0.0.1", 8001),
        name="nobody",
        inner=InnerSettings(word="one", secret=None),
    )


def test_variables_go_before_defaults() -> None:
    """A variable that is set goes before its default, in groups too."""
    environ = {"NAME": "ada", "WORD": "TWO", "SECRET": "12345678"}
    found = read_settings(SampleSettings, environ)
    assert (found.name, found.inner) == ("ada", InnerSettings(word="two", secret=b"12345678"))


def test_an_empty_variable_counts_as_unset() -> None:
    """An empty variable is the same as an absent one."""
    assert read_settings(SampleSettings, {"LISTEN": "", "SECRET": ""}).inner.secret is None


def test_all_wrong_variables_are_reported_at_once() -> None:
    """Every wrong variable is named with what was found and what is expected, in one error."""
    assert complaints(SampleSettings, LISTEN="8001", WORD="three", SECRET="short") == (
        "LISTEN: found '8001', expected host:port like 127.0.0.1:8001 or [::1]:8001",
        "WORD: found 'three', expected one of one, two",
        "SECRET: found 5 bytes (not shown), expected at least 8 bytes",
    )


def test_secrets_are_never_shown() -> None:
    """A secret is neither in a complaint nor in the settings' text, nor is a URL's password."""

    @settings
    class MailSettings:
        smtp: str = setting("SMTP_URL", url("smtp"), "smtp://localhost:25", "Mail server")

    assert "short" not in str(complaints(InnerSettings, SECRET="short"))
    assert "12345678" not in repr(read_settings(InnerSettings, {"SECRET": "12345678"}))
    assert "pass" not in str(complaints(MailSettings, SMTP_URL="ftp://me:pass/w@host"))


def test_settings_are_frozen() -> None:
    """Settings can't be changed once they are read."""
    with pytest.raises(AttributeError):
        read_settings(InnerSettings, {}).word = "two"  # type: ignore[misc] # that is the test


def test_settings_are_listed_as_data() -> None:
    """All variables, those of groups included, are listed with name, default and meaning."""
    listed = [(found.name, found.default, found.meaning) for found in describe(SampleSettings)]
    assert listed == [
        ("LISTEN", "127.0.0.1:8001", "Where it listens"),
        ("NAME", "nobody", "A name"),
        ("WORD", "one", "A word"),
        ("SECRET", None, "A secret"),
    ]


def test_what_does_not_go_together_is_refused() -> None:
    """A settings class can refuse values that are right each but not together."""

    @settings
    class PairSettings:
        first: str = setting("FIRST", text, "1", "")
        second: str = setting("SECOND", text, "1", "")

        def __post_init__(self) -> None:
            if self.first != self.second:
                raise ValueError("FIRST, SECOND: must be the same")

    assert complaints(PairSettings, FIRST="2") == ("FIRST, SECOND: must be the same",)


@pytest.mark.parametrize(
    ("read", "value", "expected"),
    [
        (listen_address, "127.0.0.1:8001", Address("127.0.0.1", 8001)),
        (listen_address, "[::1]:0", Address("::1", 0)),
        (listen_address, "localhost:65535", Address("localhost", 65535)),
        (host_list, "a:1, [::1]:2", "a:1,[::1]:2"),
        (url("https", "http"), "http://localhost:8001/", "http://localhost:8001"),
        (database_url, "postgresql://u:p@/d?host=/run", "postgresql://u:p@/d?host=/run"),
        (file_or_address, "https://id.example/keys", "https://id.example/keys"),
        (choice("INFO"), "info", "INFO"),
    ],
)
def test_right_values(read: Reader[object], value: str, expected: object) -> None:
    """A reader takes every form that its description names."""
    assert read(value) == expected


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (listen_address, ":8001"),
        (listen_address, "host:65536"),
        (listen_address, "::1:8001"),
        (listen_address, "http://host:1"),
        (listen_address, "host:١"),
        (host_list, "a:1,b"),
        (url("https"), "http://host"),
        (url("https"), "https://"),
        (url("https"), "https://host:99999"),
        (url("https"), "https://[::1"),
        (database_url, "postgresql://host/db?colour=red"),
        (file, "no/such/file"),
        (file_or_address, "ftp://host/keys"),
        (secret_bytes(4), "äb"),
    ],
)
def test_wrong_values(read: Reader[object], value: str) -> None:
    """A reader refuses all else."""
    with pytest.raises(ValueError):  # noqa: PT011 - whichever words it says it in
        read(value)


def test_files(tmp_path: Path) -> None:
    """A file must exist and be a file."""
    keys = tmp_path / "keys.json"
    keys.touch()
    assert file(str(keys)) == file_or_address(str(keys)) == keys
    with pytest.raises(ValueError, match="a file that can be read"):
        file(str(tmp_path))


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.1", False),
        ("example.org", False),
    ],
)
def test_loopback(host: str, is_loopback: bool) -> None:
    """Only what other machines can't reach is loopback; a name other than localhost might be."""
    assert Address(host, 1).is_loopback is is_loopback


def test_kafka_settings() -> None:
    """The Kafka variables make the settings of services.kafka, with its defaults."""
    assert read_settings(StreamSettings, {}).kafka == KafkaSettings(
        bootstrap_servers="127.0.0.1:9092"
    )
    secured = read_settings(
        StreamSettings,
        {
            "KAFKA_BOOTSTRAP_SERVERS": "k1:9093,k2:9093",
            "KAFKA_SECURITY_PROTOCOL": "sasl_ssl",
            "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
            "KAFKA_SASL_USERNAME": "us",
            "KAFKA_SASL_PASSWORD": "secret",
            "KAFKA_SSL_CAFILE": __file__,
            "KAFKA_TOPIC_PREFIX": "test.",
            "KAFKA_GROUP_PREFIX": "test-",
        },
    ).kafka
    assert secured == KafkaSettings(
        bootstrap_servers="k1:9093,k2:9093",
        security_protocol="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_username="us",
        sasl_password="secret",
        ssl_cafile=__file__,
        topic_prefix="test.",
        group_prefix="test-",
    )


def test_wrong_kafka_settings() -> None:
    """Wrong Kafka variables are refused by their names."""
    said = complaints(
        StreamSettings,
        KAFKA_BOOTSTRAP_SERVERS="kafka",
        KAFKA_TOPIC_PREFIX="a b",
        KAFKA_SSL_CAFILE="x",
    )
    assert [line.split(":")[0] for line in said] == [
        "KAFKA_BOOTSTRAP_SERVERS",
        "KAFKA_SSL_CAFILE",
        "KAFKA_TOPIC_PREFIX",
    ]
