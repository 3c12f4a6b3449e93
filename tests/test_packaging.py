"""What `python -m build` writes: an sdist that holds all that is built, and a wheel that holds all that runs.

Without network: setuptools is that of the development environment, not a new one.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest
from command import ROOT, daily, environment

import forecaster
from forecaster.nn.compiled_layer import available
from forecaster.pretraining.store import OWN_FOLDER

PACKAGE = ROOT / "forecaster"
SOURCES = (".c", ".h")
NOT_COPIED = (".*", "__pycache__", "*.egg-info", "*.so", "build", "dist", "demo", "mutants")
NAME = f"forecaster-{forecaster.__version__}"
AROUND = {"LICENSE", "MANIFEST.in", "PKG-INFO", "README.md", "pyproject.toml", "setup.cfg", "setup.py"}
"""Files of the sdist beside the package; setuptools adds PKG-INFO, setup.cfg and a folder egg-info."""
LIBRARY = "forecaster/nn/_kernels.so"
RUN = """
import sys
from forecaster.__main__ import main
from forecaster.nn import compiled_layer
print("loaded:", compiled_layer.__file__, compiled_layer.available("float32"), file=sys.stderr)
main()
"""


def files(*, without: tuple[str, ...] = ()) -> set[str]:
    """The files of the package as they are in the repository, without those of some types."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and path.suffix not in (*without, ".pyc", ".so")
    }


def build(kind: str, source: Path, folder: Path) -> Path:
    """The sdist or wheel that `python -m build` makes of the tree `source`."""
    command = [sys.executable, "-m", "build", "--no-isolation", f"--{kind}", "--outdir", folder, source]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = folder.iterdir()
    return made


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist of this tree, unpacked. In the tree lie leftovers of other builds."""
    folder = tmp_path_factory.mktemp("sdist")
    tree = Path(shutil.copytree(ROOT, folder / "tree", ignore=shutil.ignore_patterns(*NOT_COPIED)))
    for leftover in ("nn/_kernels.so", "nn/_kernels.cpython-311-x86_64-linux-gnu.so", "nn/stack.pyc"):
        (tree / "forecaster" / leftover).write_bytes(b"of another build")
    with tarfile.open(build("sdist", tree, folder / "made")) as archive:
        archive.extractall(folder, filter="data")
    return folder / NAME


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that the sdist builds."""
    if not shutil.which((sysconfig.get_config_var("CC") or "cc").split()[0]):
        pytest.skip("no C compiler: the wheel would hold no kernels")
    return build("wheel", sdist, tmp_path_factory.mktemp("wheel"))


def test_the_sdist_holds_what_is_built(sdist: Path) -> None:
    """All files of the package, C sources included, and what builds it; no tests, docs or leftovers."""
    there = {path.relative_to(sdist).as_posix() for path in sdist.rglob("*") if path.is_file()}
    there = {name for name in there if not name.startswith("forecaster.egg-info/")}
    assert there == files() | AROUND
    assert any(name.endswith(".c") for name in there)


def test_the_wheel_holds_what_runs(wheel: Path) -> None:
    """All files of the package but the C sources, the compiled kernels, and nothing else."""
    with zipfile.ZipFile(wheel) as archive:
        there = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert there == files(without=SOURCES) | {LIBRARY}


def test_one_wheel_serves_every_python(wheel: Path) -> None:
    """Its tags name the platform, and no version of Python."""
    assert wheel.name.startswith(f"{NAME}-py3-none-")
    assert not wheel.name.endswith("-any.whl")


def test_the_wheel_forecasts_with_its_kernels(wheel: Path, tmp_path: Path) -> None:
    """Unpacked, it forecasts with networks and kernels of its own, without the repository."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    (tmp_path / "demand.csv").write_text(daily(), encoding="utf-8")
    command = [sys.executable, "-c", RUN, "predict", "demand.csv", "--model", "pretrained", "--horizon", "3"]
    variables = environment(PYTHONPATH=os.fspath(tmp_path / "site"))
    variables.pop(OWN_FOLDER, None)
    done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1 + 3
    loaded, file, compiled = done.stderr.splitlines()[0].split()
    assert loaded == "loaded:"
    assert Path(file).is_relative_to(tmp_path / "site")
    assert compiled == str(available("float32"))
