"""The exception tree.

    ForecasterError            1    a bug in forecast
    ├── UsageError             2    wrong usage or configuration
    ├── DataError              3    the input data is not usable as it is
    ├── ModelError             4    the model file is missing, damaged, or does not fit the data
    ├── StorageError           5    reading or writing failed
    ├── LockedError            6    another run holds the lock
    ├── DivergenceError        7    training diverged and could not be rescued
    ├── StaleError             9    data or model older than allowed
    └── MemoryLimitError      10    more memory is needed than is allowed, or than there is

Exit code 8 is no error: `forecast monitor` raised an alarm.

`cli/border.py` catches `ForecasterError` and turns it into one message on stderr and the exit code of its
class. This file imports nothing.
"""

ALARM = 8
"""Exit code of `forecast monitor` after an alarm."""
LONGEST_SHOWN = 60
"""Characters of a value in a message."""


def brief(value: object) -> str:
    """A value for a message: text quoted, and cut where it is long."""
    try:
        text = repr(value)
    except ValueError:  # a whole number of thousands of digits
        return "a number of thousands of digits"
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


class ForecasterError(Exception):
    """An error with a message for the user.

    `message` says what is wrong and where; `hint` says what to do or type instead.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class UsageError(ForecasterError):
    """Wrong usage or configuration."""

    exit_code = 2


class DataError(ForecasterError):
    """The input data is not usable as it is.

    `code` is the kind of fault (listed in `data/findings.py`), `count` how often it occurs, and `places` are
    the first places where it does.
    """

    exit_code = 3

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        code: str = "E001",
        count: int = 1,
        places: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, hint=hint)
        self.code = code
        self.count = count
        self.places = places


class ModelError(ForecasterError):
    """The model file is missing, damaged, or does not fit the data."""

    exit_code = 4


class StorageError(ForecasterError):
    """Reading or writing failed: no permission, disk full, no such file."""

    exit_code = 5


class LockedError(ForecasterError):
    """Another run holds the lock."""

    exit_code = 6


class DivergenceError(ForecasterError):
    """Training diverged and could not be rescued."""

    exit_code = 7


class StaleError(ForecasterError):
    """The data or the model is older than allowed."""

    exit_code = 9


class MemoryLimitError(ForecasterError):
    """More memory is needed than `--max-memory` allows, or than the machine has."""

    exit_code = 10


class StorageWarning(UserWarning):
    """A file was or will be written, but something about it is worth a look, such as another owner."""
