"""Train the networks that come with the package: `python -m forecaster.pretraining`, or `make pretrain`."""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import BinaryIO

from forecaster.data.writing.atomic import atomic_write
from forecaster.errors import ForecasterError
from forecaster.machine.cores import cores
from forecaster.pretraining.recipes import RECIPES, build
from forecaster.pretraining.store import FOLDER
from forecaster.pretraining.train import Progress

TOLD = 500
"""Steps between two lines of progress."""


def main() -> int:
    """Train some networks, each in a process of its own; the exit code."""
    arguments = _arguments()
    kinds = arguments.kinds or list(RECIPES)
    try:
        arguments.output.mkdir(parents=True, exist_ok=True)
        with ProcessPoolExecutor(min(cores(), len(kinds))) as pool:
            running = [
                pool.submit(_train, kind, arguments.seed, arguments.output, arguments.data, arguments.steps)
                for kind in kinds
            ]
            for each in running:
                print(each.result(), flush=True)
    except ForecasterError as error:
        print(f"error: {error.message}", *([error.hint] if error.hint else []), sep="\n", file=sys.stderr)
        return error.exit_code
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m forecaster.pretraining", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"which: {', '.join(RECIPES)}; default all")
    parser.add_argument("--seed", type=int, default=0, help="random seed (default 0)")
    parser.add_argument("--steps", type=_positive, help="training steps (default: those of the recipe)")
    parser.add_argument("--data", help="real series to mix in: a file, a folder or a glob")
    parser.add_argument("--output", type=Path, default=FOLDER, help="folder of the weights")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.kinds) - set(RECIPES))
    if unknown:
        parser.error(f"unknown kind {unknown[0]!r}; known: {', '.join(RECIPES)}")
    return arguments


def _positive(text: str) -> int:
    """A whole number above zero; ValueError otherwise."""
    if int(text) < 1:
        raise ValueError
    return int(text)


def _train(kind: str, seed: int, folder: Path, data: str | None, steps: int | None) -> str:
    """Train one network and write its file; what to say of it."""
    start = time.monotonic()

    def tell(progress: Progress) -> None:
        if progress.step % TOLD == 0:
            minutes = (time.monotonic() - start) / 60
            print(f"{kind}: step {progress.step:,}, loss {progress.loss:.4f}, {minutes:.1f} min", flush=True)

    network = build(kind, seed, tell, data=data, steps=steps)
    path = folder / f"{kind}.safetensors"
    content = network.to_bytes()
    atomic_write(path, lambda file: _write(file, content))
    minutes = (time.monotonic() - start) / 60
    return f"{kind}: {path}, {len(content):,} bytes, weights {network.digest}, {minutes:.1f} min"


def _write(file: BinaryIO, content: bytes) -> None:
    file.write(content)


if __name__ == "__main__":
    sys.exit(main())
