"""What the README and the decisions say of the code is so."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from services.achievements.__main__ import app as achievements
from services.achievements.settings import AchievementsSettings
from services.environment import describe
from services.sharing.__main__ import app as sharing
from services.sharing.settings import SharingSettings

CHECKOUT = Path(__file__).parents[2]
README = (CHECKOUT / "README.md").read_text()
DECISIONS = sorted((CHECKOUT / "docs" / "decisions").glob("*.md"))
APPS = {"achievements": achievements, "sharing": sharing}
SETTINGS = {"achievements": AchievementsSettings, "sharing": SharingSettings}


def table(header: str) -> list[list[str]]:
    """The rows below a table's header."""
    _, _, rest = README.partition(f"{header}\n")
    rows = rest.partition("\n\n")[0].splitlines()[1:]
    assert rows, f"no table begins with {header}"
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def commands(service: str) -> dict[str, set[str]]:
    """The commands that `--help` of a service names, and their options."""
    group = typer.main.get_group(APPS[service])
    return {
        name: {option for parameter in command.params for option in parameter.opts}
        for name, command in group.commands.items()
    }


def test_make_targets_are_those_of_make_help() -> None:
    """The README lists the targets that `make help` names, and speaks of no other."""
    told = subprocess.run(
        ["make", "help"], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    targets = set(re.findall(r"^  (make [a-z]+) ", told.stdout, re.MULTILINE))
    assert {row[0].strip("`") for row in table("| Target | |")} == targets
    assert set(re.findall(r"^(make [a-z]+)$", README, re.MULTILINE)) <= targets
    assert set(re.findall(r"`(make [a-z]+)", README)) <= targets


@pytest.mark.parametrize("service", APPS)
def test_commands_are_those_of_the_help(service: str) -> None:
    """The table of commands lists each command of a service, and none that there isn't."""
    rows = [row[0].strip("`").split() for row in table("| Command | |")]
    assert {name for of, name in rows if of == service} == commands(service).keys()


@pytest.mark.parametrize("service", APPS)
def test_commands_spoken_of_exist(service: str) -> None:
    """Wherever the README or a decision speaks of a command, there is one, with those options."""
    texts = [README, *(decision.read_text() for decision in DECISIONS)]
    spoken_of = re.findall(rf"`{service} ([a-z-]+)((?: --[a-z]+)*)[ `]", "\n".join(texts))
    assert spoken_of
    for name, options in spoken_of:
        assert set(options.split()) <= commands(service)[name]


def test_settings_are_those_of_the_code() -> None:
    """The table of settings says what the services read: names, defaults, meanings."""
    expected: dict[str, list[str]] = {}
    for service, cls in SETTINGS.items():
        for one in describe(cls):
            row = expected.setdefault(
                one.name,
                [f"`{one.name}`", f"`{one.default}`" if one.default else "", "", one.meaning],
            )
            row[2] = "both" if row[2] else service
    written = {
        row[0].strip("`"): row for row in table("| Variable | Default | Read by | Meaning |")
    }
    assert written == expected


def test_processes_are_commands() -> None:
    """The processes of the table are commands."""
    for row in table("| Process | Does | Needs |"):
        service, command = row[0].strip("`").split()
        assert command in commands(service)


def test_folders_are_there() -> None:
    """Every folder that is listed is there, and every folder with code is listed."""
    listed = {row[0].strip("`/") for row in table("| Folder | |")}
    assert all((CHECKOUT / folder).is_dir() for folder in listed)
    code = {path.parent.name for path in CHECKOUT.glob("*/__init__.py")}
    assert code <= listed


def test_exit_statuses_are_those_of_the_help() -> None:
    """The exit statuses are those that the help of achievements tells."""
    told = " ".join((achievements.info.help or "").split()).partition("Exit status: ")[2]
    written = ", ".join(" ".join(row) for row in table("| Exit status | |"))
    assert written == told.rstrip(".")


def _paths(text: str) -> Iterator[str]:
    """Files and folders of ours that a text names."""
    tops = "|".join(("schemas", "projections", "services", "devstack", "tests", "bench", "docs"))
    yield from re.findall(rf"`((?:{tops})/[\w./-]*)`", text)
    yield from re.findall(r"`([\w-]+\.(?:toml|lock|yml|md)|Dockerfile|Makefile)`", text)
    yield from re.findall(r"\]\((?!http)([^)#]+)\)", text)


@pytest.mark.parametrize("file", [CHECKOUT / "README.md", *DECISIONS], ids=lambda file: file.name)
def test_files_named_exist(file: Path) -> None:
    """Every file of ours that is named is there."""
    for path in _paths(file.read_text()):
        assert (CHECKOUT / path).exists() or (file.parent / path).exists(), path


def test_decisions_are_numbered_and_of_one_form() -> None:
    """Decisions are numbered without gaps; each has its context, the decision and what follows."""
    assert [int(file.name[:4]) for file in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    for file in DECISIONS:
        headings = re.findall(r"^(#+) (.*)$", file.read_text(), re.MULTILINE)
        assert headings[0] == ("#", f"{int(file.name[:4])}. {headings[0][1].partition('. ')[2]}")
        assert [text for _, text in headings[1:]] == ["Context", "Decision", "Consequences"], file
