"""`forecast` and `python -m forecaster`."""

import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    try:
        from forecaster.cli.app import app
        from forecaster.cli.border import run
    except KeyboardInterrupt:  # while Python still loads us
        sys.exit(130)
    sys.exit(run(app, sys.argv[1:]))


if __name__ == "__main__":
    main()
