"""A source that only the model names: followed no further than its own folder, and never quoted in errors.

A model may come from anyone, and name any file of this machine. So the command says which one it reads; files
of a glob or folder must lie in that folder, links followed; and an error says nothing of the content, which
may be no table at all. Whoever names the source gets the whole message.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager

from forecaster.data.labels import shown
from forecaster.data.reading.files import leads_outside, paths_of
from forecaster.data.storage.place import chooses_server
from forecaster.data.storage.secrets import MASK
from forecaster.errors import DataError, ModelError, UsageError
from forecaster.model.model import Model

LONGEST = 4096
"""Characters of a path that are shown."""
MORE_FILES = 10
"""A folder may have so many times the files that the model has series, where each file is one."""


@contextmanager
def from_memory(model: Model, command: str = "predict") -> Iterator[None]:
    """While the source that the model remembers is read again: its errors, without a word of the content.

    Raises ModelError where it is not what a model would be trained on, UsageError where it cannot be read.
    """
    source = model.facts.source
    if source in ("", "-"):
        raise UsageError(
            "the model was trained on "
            + ("standard input" if source else "a table in memory")
            + ", which cannot be read again",
            hint=f"Name the data, `forecast {command} DATA`, or use `-` to read standard input.",
        )
    if MASK in source:
        raise UsageError(
            f"the model was trained on {shown(source, LONGEST)}, and remembers no secrets",
            hint=f"Name the data, whole: `forecast {command} DATA`. Secrets of the environment need no name.",
        )
    hint = f"Name it, to read it all the same: forecast {command} {shlex.quote(source)}"
    _check(model, source, hint)
    why = f"{shown(source)}, which the model was trained on, cannot be read as it was then"
    hint = f"To see why, name it: forecast {command} {shlex.quote(source)}"
    try:
        yield
    except DataError as error:
        raise DataError(why, hint=hint, code=error.code, count=error.count) from None
    except UsageError:
        raise UsageError(why, hint=hint) from None


def _check(model: Model, source: str, hint: str) -> None:
    """Raise ModelError for files elsewhere, or many more than the model knows; for a server of its own, too:
    the credentials of the user would go there.
    """
    if chooses_server(source):
        raise ModelError(
            f"{shown(source, LONGEST)}, which the model names, is on a server that the model chooses",
            hint=hint,
        )
    outside = leads_outside(source)
    if outside is not None:
        raise ModelError(f"{shown(source)}, which the model names, leads to {shown(outside)}", hint=hint)
    count = len(paths_of(source)) if model.facts.read.layout == "files" else 0
    if count > MORE_FILES * model.facts.series + MORE_FILES:
        raise ModelError(
            f"{shown(source)}, which the model names, has {count:,} files; it knows {model.facts.series:,}",
            hint=hint,
        )


def named(model: Model) -> str:
    """What the command says before it reads what the model remembers; empty where that is no file."""
    source = model.facts.source
    return "" if source in ("", "-") else f"reading {shown(source, LONGEST)}, as the model remembers"
