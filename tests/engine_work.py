"""What the workers of the tests of engines do. They import it by name."""

import os
import signal
import time
from pathlib import Path

from forecaster.errors import DataError


def times(factor, piece):
    """The work of most tests."""
    return factor * piece


def dies(folder, piece):
    """A worker that is killed on the first tries of some pieces, as often as `piece` says."""
    begun = Path(folder) / f"{piece}-{len(list(Path(folder).glob(f'{piece}-*')))}"
    begun.touch()
    if int(begun.name.split("-")[1]) < piece:
        os.kill(os.getpid(), signal.SIGKILL)
    return piece


def refuses(_, piece):
    """Work that finds an error in the data, or has a bug."""
    if piece == 3:
        raise DataError("row 3 is wrong", hint="Mend it.")
    if piece == 5:
        raise ZeroDivisionError
    return piece


def sleeps(folder, piece):
    """Work that takes a while, of which it leaves a trace."""
    time.sleep(0.2)
    (Path(folder) / str(piece)).touch()


def writes(array, piece):
    """Work that changes an array that it has been given."""
    array[:] = piece
    return float(array.sum())


def slow_times(factor, piece):
    """Work that takes a moment."""
    time.sleep(0.3)
    return factor * piece
