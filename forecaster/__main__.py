"""`forecast` and `python -m forecaster`."""

import gc
import os
import signal
import sys

CANNOT_READ = 5
"""Exit code where a file cannot be read, as of `forecaster.errors.StorageError`."""


def main() -> None:
    """Run the command line and exit with its code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda number, frame: os._exit(128 + number))  # nothing is begun yet
    gc.set_threshold(100_000)  # garbage collection during imports takes a seventh of the start
    try:
        from forecaster.cli.streams import guard

        guard()
        from forecaster.cli.app import build
        from forecaster.cli.border import run

        app = build(sys.argv[1:])
    except (ImportError, OSError) as error:  # a damaged installation, no memory, too many open files
        os.write(2, f"error: forecast cannot be started: {error}\n".encode(errors="backslashreplace"))
        os._exit(CANNOT_READ)
    code = run(app, sys.argv[1:])
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # all is done
    gc.freeze()  # a last garbage collection at exit takes a fifth of a forecast
    sys.exit(code)


if __name__ == "__main__":
    main()
