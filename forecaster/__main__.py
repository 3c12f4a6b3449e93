"""`forecast` and `python -m forecaster`."""

import gc
import sys


def main() -> None:
    """Run the command line and exit with its code."""
    gc.set_threshold(100_000)  # garbage collection during imports takes a seventh of the start
    try:
        from forecaster.cli.app import build
        from forecaster.cli.border import run

        app = build(sys.argv[1:])
    except KeyboardInterrupt:  # during the imports
        sys.exit(130)
    code = run(app, sys.argv[1:])
    gc.freeze()  # a last garbage collection at exit takes a fifth of a forecast
    sys.exit(code)


if __name__ == "__main__":
    main()
