"""The committed bundle is what the sources give, and puts nothing on the page but text."""

import hashlib
import re
from pathlib import Path

from dashboards import components

HOME = Path(components.__file__).parent
REMEDY = "run `make components` and commit dashboards/components/bundle"


def test_the_bundle_is_of_these_sources() -> None:
    lines = (HOME / "bundle" / "SOURCES.sha256").read_text().splitlines()
    made = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    files = [*(HOME / name for name in ("build.mjs", "package.json", "package-lock.json",
                                        "tsconfig.json")),
             *(HOME / "src").iterdir(), *(HOME / "bundle").glob("*.[jc]s*")]
    seen = {str(path.relative_to(HOME)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files}
    assert made == seen, REMEDY


def test_sources_write_text_only_and_ask_nobody() -> None:
    for path in sorted((HOME / "src").glob("*.ts")):
        code = re.sub(r"^\s*//.*$", "", path.read_text(), flags=re.MULTILINE)
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(",
                     "fetch(", "XMLHttpRequest", "import(", "localStorage"):
            assert word not in code, f"{path.name}: {word}"
    for path in (HOME / "src").glob("*.css"):
        assert not re.search(r"url\(|@import", path.read_text()), path.name
