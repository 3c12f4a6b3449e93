"""Forward and backward of recurrent layers: ours compared with PyTorch and a jitted JAX scan.

    python -m benchmarks.kernels [--json FILE] [--cells rnn gru lstm] [--seconds 0.1] [--rounds 5]

It needs compiled kernels, in an installed package or built in place; `--uncompiled` measures NumPy without
them. The first lines say which instructions each side uses. Variables that limit OpenBLAS are not passed on.

Each contestant has its own process on the same two cores. They run in turn, round after round, so that other
load on the machine affects all alike. PyTorch runs with one thread and with two, since a second thread slows
small shapes, and its better setting counts; the summary has two threads as well. First all must agree:
outputs and gradients within 1e-4 of the largest value.

A ratio is the minimum of theirs over the minimum of ours: above 1 we are faster. On a busy machine
run it with priority (`chrt --fifo 5 …`) or repeat it: the times of two threads need two free cores.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contestants import THREADS, Case

SHAPES = [
    (24, 1, 32, 32),
    (48, 1, 64, 64),
    (96, 1, 128, 64),
    (168, 1, 256, 128),
    (48, 1, 1024, 64),
    (14, 24, 256, 128),
    (336, 1, 32, 32),
    (12, 24, 512, 64),
]
"""(T, I, B, H)"""
CELLS = ("rnn", "gru", "lstm")
SETTINGS = (("ours", THREADS), ("torch", 1), ("torch", THREADS), ("jax", THREADS))
TOLERANCE = 1e-4
PEAK_SECONDS = 0.5
LIMITS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""Variables that would lower the peak."""


def grid(cells: list[str]) -> list[Case]:
    """Every cell at every shape, and two layers of it."""
    single = [Case(cell, *shape) for cell in cells for shape in SHAPES]
    return single + [Case(cell, 48, 1, 128, 64, layers=2) for cell in cells]


class Contestant:
    """A process that answers orders."""

    def __init__(self, name: str) -> None:
        command = [sys.executable, "-m", "benchmarks.contestants", name]
        quiet = {"JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3"}
        free = {key: value for key, value in os.environ.items() if key not in LIMITS} | quiet
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=free
        )

    def ask(self, **order: Any) -> Any:
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None and stdout is not None
        stdin.write(json.dumps(order) + "\n")
        stdin.flush()
        answer = stdout.readline()
        if not answer:
            raise SystemExit("a contestant has died; its last words are above")
        return json.loads(answer)


Contestants = dict[str, Contestant]


def largest_difference(case: Case, contestants: Contestants) -> float:
    """Largest difference of outputs and gradients, relative to the largest value of each array."""
    answers = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, contestant in contestants.items():
            file = str(Path(folder) / f"{name}.npz")
            contestant.ask(do="check", case=asdict(case), threads=THREADS, file=file)
            answers[name] = dict(np.load(file))
    ours = answers.pop("ours")
    return max(
        float(np.abs(theirs[name] - value).max() / max(1e-6, np.abs(value).max()))
        for theirs in answers.values()
        for name, value in ours.items()
    )


Times = dict[tuple[str, int], list[float]]


def measure(case: Case, contestants: Contestants, rounds: int, seconds: float) -> Times:
    """Milliseconds of many runs of each contestant in each setting."""
    times: Times = {setting: [] for setting in SETTINGS}
    for _ in range(rounds):
        for name, threads in SETTINGS:
            times[name, threads] += contestants[name].ask(
                do="time", case=asdict(case), threads=threads, seconds=seconds
            )
    return times


def results_of(case: Case, times: Times) -> list[dict[str, Any]]:
    """One row per opponent, with its better setting."""
    ours = times["ours", THREADS]
    shape = {"T": case.steps, "I": case.inputs, "B": case.batch, "H": case.hidden, "layers": case.layers}
    rows = []
    for opponent in ("torch", "jax"):
        theirs = min((runs for (name, _), runs in times.items() if name == opponent), key=min)
        rows.append(
            {
                "cell": case.cell,
                "shape": shape,
                "opponent": opponent,
                "ours_ms": min(ours),
                "theirs_ms": min(theirs),
                "ratio": min(theirs) / min(ours),
                "ratio_all_threads": min(times[opponent, THREADS]) / min(ours),
                "ours_median_ms": statistics.median(ours),
                "theirs_median_ms": statistics.median(theirs),
                "gflops": case.flops / min(ours) / 1e6,
            }
        )
    return rows


HEADER = (
    "| cell | T | I | B | H | layers | ours ms (median) | PyTorch ms (median) | JAX ms (median) "
    "| ÷ PyTorch | ÷ JAX | GFLOP/s | of peak |"
)


def row(torch: dict[str, Any], jax: dict[str, Any], peak: float) -> str:
    """One line of the table."""
    shown = [torch["cell"].upper(), *map(str, torch["shape"].values())]
    shown.append(f"{torch['ours_ms']:.2f} ({torch['ours_median_ms']:.2f})")
    shown += [f"{r['theirs_ms']:.2f} ({r['theirs_median_ms']:.2f})" for r in (torch, jax)]
    shown += [f"{r['ratio']:.2f}" for r in (torch, jax)]
    shown += [f"{torch['gflops']:.0f}", f"{torch['gflops'] / peak:.0%}"]
    return "| " + " | ".join(shown) + " |"


def summary(results: list[dict[str, Any]]) -> list[str]:
    """The geometric mean and the least ratio against each opponent."""
    lines = []
    for opponent, key, name in (
        ("torch", "ratio", "PyTorch"),
        ("torch", "ratio_all_threads", f"PyTorch with {THREADS} threads"),
        ("jax", "ratio", "JAX"),
    ):
        ratios = [result[key] for result in results if result["opponent"] == opponent]
        mean = math.exp(statistics.fmean(map(math.log, ratios)))
        lines.append(f"{name}: geometric mean {mean:.2f}, least {min(ratios):.2f}, of {len(ratios)} cases")
    return lines


def begin(*, uncompiled: bool) -> tuple[Contestants, list[str]]:
    """The contestants, and what each computes with.

    SystemExit if ours has no compiled kernels and that was not asked for.
    """
    contestants = {"ours": Contestant("ours")}
    ours = contestants["ours"].ask(do="instructions")
    if ours is None and not uncompiled:
        raise SystemExit(
            "There are no compiled kernels here, or FORECAST_KERNELS=numpy turns them off.\n"
            "hint: build them with `pip install -e .`, or measure NumPy with --uncompiled"
        )
    contestants |= {name: Contestant(name) for name in ("torch", "jax")}
    others = [contestants[name].ask(do="instructions") for name in ("torch", "jax")]
    return contestants, [f"ours: {ours or 'NumPy, WITHOUT COMPILED KERNELS'}", *others]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the results here too")
    parser.add_argument("--cells", nargs="+", choices=CELLS, default=CELLS)
    parser.add_argument("--seconds", type=float, default=0.1, help="of each contestant's turn")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contestant per case")
    parser.add_argument("--uncompiled", action="store_true", help="measure NumPy if there are no kernels")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])
    contestants, told = begin(uncompiled=options.uncompiled)
    print(*told, sep="\n", end="\n\n", flush=True)
    peak = contestants["ours"].ask(do="peak", seconds=PEAK_SECONDS)
    results: list[dict[str, Any]] = []
    print(HEADER, "|---" * HEADER.count(" | ") + "|---|", sep="\n", flush=True)
    for case in grid(options.cells):
        difference = largest_difference(case, contestants)
        if not difference <= TOLERANCE:
            raise SystemExit(f"{case}: outputs or gradients differ by {difference:.1e} of the largest value")
        both = results_of(case, measure(case, contestants, options.rounds, options.seconds))
        print(row(*both, peak), flush=True)
        results += both
    peak = max(peak, contestants["ours"].ask(do="peak", seconds=PEAK_SECONDS))
    print(*summary(results), f"sgemm peak of {THREADS} threads: {peak:.0f} GFLOP/s", sep="\n")
    if options.json:
        options.json.write_text(
            json.dumps({"instructions": told, "results": results, "peak_gflops": peak}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
