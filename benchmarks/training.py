"""Time that the training loop adds to the kernels, windows per second, and a profile of a step.

    python -m benchmarks.training [--json FILE] [--cells rnn gru lstm] [--turns 30] [--profile]

At T = 14 segments of I = 24 values, B = 256 windows, H = 128 units and a horizon of 48. The network has no
embedding, so that its kernels are those of `benchmarks.kernels`. Everything else in a step counts as added:
drawing and gathering the batch, head, loss, clipping, optimiser, averaging of the weights, events.
Ten steps of training and ten runs of the kernels take turns, and the best turn of each counts.
"""

import argparse
import cProfile
import json
import pstats
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.contestants import THREADS, Case, ours
from forecaster.config import NetworkConfig, TrainingConfig
from forecaster.features.windows import Windows, index_windows
from forecaster.nn.network import Network
from forecaster.training.loop import EVENT_EVERY, TrainingData, train

STEPS, SEGMENT, BATCH, HIDDEN, HORIZON = 14, 24, 256, 128, 48
SERIES, ROWS = 400, 2_000


def data() -> TrainingData:
    """Windows over random walks."""
    z = np.random.default_rng(0).standard_normal((SERIES, ROWS), dtype=np.float32).cumsum(axis=1)
    panel: Any = SimpleNamespace(offsets=np.arange(SERIES + 1) * ROWS, broken=False)  # all that Windows read
    transform: Any = SimpleNamespace(z=z.reshape(-1, 1), observed=np.ones((SERIES * ROWS, 1), bool))
    windows = Windows(
        panel, transform, lookback=STEPS * SEGMENT, segment=SEGMENT, horizon=HORIZON, gaps=False
    )
    known = np.full(SERIES, ROWS)
    return TrainingData(windows, index_windows(known, STEPS * SEGMENT, HORIZON), known)


def training(cell: str, steps: int, workers: int | None = None) -> Iterator[Any]:
    """Training that yields after every EVENT_EVERY steps."""
    network = NetworkConfig(cell=cell, inputs=SEGMENT, hidden=HIDDEN, outputs=HORIZON, embedding=False)
    config = TrainingConfig(batch=BATCH, steps=steps, check_every=steps)
    rng = np.random.default_rng(0)
    return train(Network(network, rng=rng), data(), config, rng=rng, workers=workers)


def milliseconds_per_run(work: Callable[[], object], runs: int) -> float:
    start = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - start) / runs


def measure(cell: str, turns: int) -> dict[str, Any]:
    """Milliseconds of a training step and of its kernels."""
    steps, kernels = [], []
    events = training(cell, (turns + 1) * EVENT_EVERY, THREADS)
    with ours() as prepare:
        run, _ = prepare(Case(cell, STEPS, SEGMENT, BATCH, HIDDEN), THREADS)
        run()
        next(events)
        for _ in range(turns):
            steps.append(milliseconds_per_run(lambda: next(events), EVENT_EVERY))
            kernels.append(milliseconds_per_run(lambda: [run() for _ in range(EVENT_EVERY)], EVENT_EVERY))
    step, kernel = min(steps), min(kernels)
    return {
        "cell": cell,
        "step_ms": step,
        "kernel_ms": kernel,
        "added": step / kernel - 1,
        "windows_per_second": 1e3 * BATCH / step,
    }


def profile(cell: str, steps: int = 200) -> None:
    """A profile of a step, in one thread, so that the profiler sees everything."""
    events, profiler = training(cell, steps, 1), cProfile.Profile()
    next(events)
    profiler.enable()
    for _ in events:
        pass
    profiler.disable()
    pstats.Stats(profiler).sort_stats("tottime").print_stats(18)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the results here too")
    parser.add_argument("--cells", nargs="+", choices=("rnn", "gru", "lstm"), default=("rnn", "gru", "lstm"))
    parser.add_argument("--turns", type=int, default=30)
    parser.add_argument("--profile", action="store_true", help="profile a step of the first cell")
    options = parser.parse_args()
    results = [measure(cell, options.turns) for cell in options.cells]
    print("| cell | training step ms | kernels ms | added | windows/s |", "|---|---|---|---|---|", sep="\n")
    for result in results:
        print(
            f"| {result['cell'].upper()} | {result['step_ms']:.2f} | {result['kernel_ms']:.2f} "
            f"| {result['added']:.0%} | {result['windows_per_second']:,.0f} |"
        )
    if options.profile:
        profile(options.cells[0])
    if options.json:
        options.json.write_text(json.dumps({"results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
