"""What an engine is: work on pieces, mapped over workers. Processes of this machine are the default engine.

An engine is one file: a class with `workers` and `map`, and its name in `named`. Whatever the engine and the
number of its workers, the result of a piece is the same, to the byte: it depends on what is shared and on the
piece.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, TypeVar, runtime_checkable

Shared = TypeVar("Shared")
Piece = TypeVar("Piece")
Result = TypeVar("Result")

FEWER = "Use fewer --workers."
"""What an engine advises where its workers lack memory: each command with an engine has this option."""
TRIES = 3
"""How often a piece is begun whose worker dies."""


class Engine(Protocol):
    """Maps work over pieces."""

    @property
    def workers(self) -> int:
        """How many pieces are worked on at once, at most."""

    def map(
        self, work: Callable[[Shared, Piece], Result], shared: Shared, pieces: Iterable[Piece]
    ) -> Iterator[tuple[int, Result]]:
        """The number of each piece with `work(shared, piece)`, once each, as they are done.

        `work` is a function of a module; what it gets and gives can be pickled. Pieces are taken from the
        iterable as workers are free: a long list need not exist. A worker that dies is replaced, and its
        piece begun again, TRIES times in all: work that writes must write whole, and the same again. An error
        that `work` raises is raised here, and ends the rest. Leaving the iterator early ends what is being
        done.
        """
        ...


Tell = Callable[[Any], bool]
"""Passes a message of a worker on; whether the work shall end early, with what it has."""


@runtime_checkable
class Telling(Protocol):
    """An engine whose workers tell how far they are: for pieces that take minutes, such as networks."""

    def map_telling(
        self,
        work: Callable[[Shared, Piece, Tell], Result],
        shared: Shared,
        pieces: Iterable[Piece],
        listen: Callable[[Any], None],
        *,
        keep: bool,
    ) -> Iterator[tuple[int, Result]]:
        """As `Engine.map`; `listen` gets the messages of the workers.

        On Ctrl-C with `keep`, the workers are asked to end early and give what they have, and no piece is
        begun any more; a second one, or one without `keep`, is raised.
        """
        ...
