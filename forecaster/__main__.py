"""`forecast` and `python -m forecaster`."""

import gc
import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    gc.set_threshold(100_000)  # to look for garbage among new modules takes a seventh of the start
    try:
        from forecaster.cli.app import build
        from forecaster.cli.border import run

        app = build(sys.argv[1:])
    except KeyboardInterrupt:  # while Python still loads us
        sys.exit(130)
    code = run(app, sys.argv[1:])
    gc.freeze()  # what is left ends with the process; to look it through takes a fifth of a forecast
    sys.exit(code)


if __name__ == "__main__":
    main()
