"""The kernel benchmark does not measure NumPy unnoticed."""

import subprocess
import sys

from command import ROOT, environment


def test_it_refuses_to_run_without_compiled_kernels():
    """In its first line, and before PyTorch and JAX are loaded."""
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.kernels"],
        cwd=ROOT,
        env=environment(FORECAST_KERNELS="numpy"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 1
    assert run.stderr.startswith("There are no compiled kernels here")
    assert not run.stdout
