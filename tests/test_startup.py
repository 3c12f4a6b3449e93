"""What the commands import: nothing before it is needed, and nothing that is never needed."""

import subprocess
import sys
from pathlib import Path

import pytest
from command import daily, environment, forecast

NEVER = {
    "matplotlib",
    "jinja2",
    "scipy",
    "torch",
    "jax",
    "sklearn",
    "duckdb",
    "polars",
    "openpyxl",
    "sqlite3",
    "IPython",
    "pyarrow.dataset",
    "pyarrow.flight",
    "asyncio",
    "multiprocessing",
    "pydantic",
    "urllib.request",
    "unittest",
}
"""Large packages that neither the start nor a forecast on the terminal needs."""
NOT_FOR_HELP = {
    "numpy",
    "pandas",
    "pyarrow",
    "safetensors",
    "threadpoolctl",
    "filelock",
    "tomllib",
    "forecaster.pipeline.train",
    "forecaster.data",
    "forecaster.nn",
    "forecaster.report",
}
NOT_FOR_PREDICT = {
    "rich",
    "filelock",
    "tomllib",
    "importlib.metadata",
    "pyarrow.parquet",
    "pyarrow.fs",
    "ssl",
    "forecaster.cli.train",
    "forecaster.pipeline.train",
    "forecaster.training.loop",
    "forecaster.evaluation.scores",
}
"""Modules that a forecast from CSV to a pipe without forecast.toml does not need."""


LISTING = """
import atexit, sys
from forecaster.__main__ import main
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
main()
"""


def imported(*arguments: str, cwd: Path) -> set[str]:
    """The modules that `forecast` with `arguments` has imported."""
    result = subprocess.run(
        [sys.executable, "-c", LISTING, *arguments],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return set(result.stderr.split())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table and a model."""
    folder = tmp_path_factory.mktemp("startup")
    (folder / "demand.csv").write_text(daily())
    assert forecast("train", "demand.csv", "--horizon", "7", cwd=folder).returncode == 0
    return folder


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("train", "--help"), ("predict", "-h")])
def test_help_imports_nothing_that_works_on_data(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """Help and version import neither NumPy, pandas, PyArrow nor any room that reads or computes."""
    loaded = imported(*arguments, cwd=tmp_path)
    assert "forecaster.cli.app" in loaded
    assert loaded & (NEVER | NOT_FOR_HELP) == set()


def test_version_does_without_rich(tmp_path: Path) -> None:
    """One plain line needs no tables or colours."""
    assert "rich" not in imported("--version", cwd=tmp_path)


@pytest.mark.parametrize("arguments", [("predict",), ("predict", "demand.csv", "--horizon", "3", "-o", "-")])
def test_predict_imports_only_what_it_uses(arguments: tuple[str, ...], folder: Path) -> None:
    """A forecast from a CSV file loads no plots, no tables, no Parquet, no network, no Pydantic."""
    loaded = imported(*arguments, cwd=folder)
    assert {"numpy", "pandas", "pyarrow", "forecaster.forecasting.forecast", "safetensors"} <= loaded
    assert loaded & (NEVER | NOT_FOR_PREDICT) == set()


def test_the_package_imports_nothing_heavy(tmp_path: Path) -> None:
    """`import forecaster` alone loads none of the libraries it works with."""
    code = "import sys, forecaster; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert set(result.stdout.split()) & {"numpy", "pandas", "pyarrow", "rich", "typer"} == set()
