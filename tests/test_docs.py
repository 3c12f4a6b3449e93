"""The documents agree with the program."""

import ast
import importlib.util
import os
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from command import ROOT, SCRIPT

import forecaster


@pytest.fixture(scope="module")
def build() -> ModuleType:
    """docs/build.py as a module."""
    spec = importlib.util.spec_from_file_location("build", ROOT / "docs" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_commands_is_what_help_says(build: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/commands.md is what `make docs` writes."""
    monkeypatch.setenv("PATH", f"{SCRIPT.parent}{os.pathsep}{os.environ['PATH']}")
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert page == build.commands_page(), "write it again: `python docs/build.py --quick`, or `make docs`"


def test_the_readme_shows_output(build: ModuleType) -> None:
    """Each command of a console block has real output below it, and no paths of the machine it ran on."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = build.BLOCK.findall(text)
    assert blocks
    for block in blocks:
        for output in re.split(r"^\$ .*$", block, flags=re.MULTILINE)[1:]:
            assert output.strip()
            assert "error" not in output.lower().replace("errors on held-out data", "")
    assert "/tmp" not in text
    assert (ROOT / "docs" / "forecast.png").stat().st_size > 10_000


def test_links_lead_somewhere() -> None:
    """Every relative link of README and sample_data/README.md names a file that is there."""
    for page in (ROOT / "README.md", ROOT / "sample_data" / "README.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert target.startswith("https://") or (page.parent / target).exists(), target


def test_one_version() -> None:
    """Package, pyproject.toml and changelog agree on the version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == forecaster.__version__
    assert f"## {forecaster.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_dependency_is_pinned() -> None:
    """constraints.txt holds a version of each direct dependency, extras included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = project["dependencies"] + [
        d for extra in project["optional-dependencies"].values() for d in extra
    ]
    names = {re.split(r"[<>=\[ ]", dependency)[0].lower() for dependency in wanted}
    pinned = re.findall(
        r"^([\w-]+)==", Path(ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert names <= {name.lower() for name in pinned}


ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PACKAGE = ROOT / "forecaster"


def test_the_tree_is_the_real_one() -> None:
    """docs/architecture.md lists each file and folder of the package with a few words, and no other.

    Of weights it lists the folder.
    """
    tree = ARCHITECTURE.split("```text\nforecaster/\n")[1].split("```")[0]
    folder: list[str] = []
    listed = set()
    for line in tree.splitlines():
        name, words = line.split(maxsplit=1)
        folder[(len(line) - len(line.lstrip())) // 2 - 1 :] = [name]
        listed.add("".join(folder))
        assert words
    code = {path for path in PACKAGE.rglob("*") if path.suffix in (".py", ".c", ".h", ".typed")}
    real = {path.relative_to(PACKAGE).as_posix() for path in code if path.name != "__init__.py"}
    files = code | set(PACKAGE.rglob("*.safetensors"))
    rooms = {f"{path.parent.relative_to(PACKAGE).as_posix()}/" for path in files if path.parent != PACKAGE}
    assert listed == real | rooms | {"__init__.py"}


def test_named_functions_exist() -> None:
    """Each function and class that docs/architecture.md names by its room is there."""
    rooms = {path.stem for path in PACKAGE.iterdir()}
    names = [name for name in re.findall(r"`(\w+(?:\.\w+)+)`", ARCHITECTURE) if name.split(".")[0] in rooms]
    names = [name for name in names if not name.endswith((".py", ".c"))]
    assert len(names) > 20
    for name in names:
        parts = name.split(".")
        found, rest = PACKAGE, list(parts)
        while rest and found.is_dir():
            found /= rest.pop(0)
            found = found if found.is_dir() else found.with_suffix(".py")
        scope: ast.AST = ast.parse(found.read_text(encoding="utf-8"))
        for part in rest:
            scope = {getattr(each, "name", ""): each for each in ast.iter_child_nodes(scope)}.get(part, scope)
            assert getattr(scope, "name", "") == part, name
