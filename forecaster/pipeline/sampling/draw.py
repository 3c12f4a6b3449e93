"""Draw: which series are in a sample, and which are held out from it, by rules that know no order.

The rules. h(s) and u(s) are 64 bits each of a hash of the id of series s, salted by the seed.

1. Held out: the HELD series of the least u. They are a simple random sample of all series, never trained on.
2. Of all others, the least h of each stratum, the same number c of each: the largest c for which they are at
   most one part in FLOOR of the sample.
3. The least h of what is left, whatever the stratum, until the sample is full.

Large strata are sampled about in proportion, so that the networks learn what the data set is made of; small
ones are not lost. Where there are fewer series than are asked for, all are in the sample.

Who is drawn can be told in one pass, in any order and in parts. As series are added, no rank within a stratum
or among all falls, c never grows, and a series that is held out no longer is one of the others: what may not
be drawn from a part (`kept`) may not be drawn from the whole. Bottom-k sampling: Cohen & Kaplan (2007),
Summarizing Data using Bottom-k Sketches.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from forecaster.errors import UsageError
from forecaster.features.strata import Stratum

ENOUGH = 2000
"""Series of a sample if no number is named. See docs/scale.md for what more would gain."""
LEAST = 100
"""Series of a sample at least."""
HELD = 1000
"""Series that are held out from training, for the report."""
FLOOR = 4
"""One part in so many of a sample is drawn from all strata alike."""
AUTO = "auto"


class Lot(NamedTuple):
    """A series that may be drawn."""

    order: int
    """h: the sample has the least."""
    held: int
    """u: those held out have the least."""
    id: str
    stratum: Stratum


@dataclass(frozen=True)
class Drawn:
    """The series of a sample and those held out from it."""

    sampled: tuple[Lot, ...]
    held: tuple[Lot, ...]


def sample_size(asked: str | int) -> int:
    """The number of series to sample, from a number or `auto`. Raises UsageError for anything else."""
    text = str(asked).strip()
    if text == AUTO:
        return ENOUGH
    size = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    if size < LEAST:
        raise UsageError(f"sample_series cannot be {asked!r}", hint=f"Give {LEAST} or more, or {AUTO}.")
    return size


def salt_of(seed: int) -> bytes:
    """What makes the samples of two seeds different."""
    return np.random.default_rng(seed).bytes(16)


def lots_of(ids: Sequence[str], strata: Sequence[Stratum], salt: bytes) -> list[Lot]:
    """A lot of each series."""
    lots = []
    for name, stratum in zip(ids, strata, strict=True):
        digest = hashlib.blake2b(name.encode(), digest_size=16, key=salt).digest()
        lots.append(Lot(int.from_bytes(digest[:8]), int.from_bytes(digest[8:]), name, stratum))
    return lots


def kept(lots: Iterable[Lot], size: int, *, simple: bool = False) -> list[Lot]:
    """The lots of a part that may be drawn from the whole: at most HELD + size + size / FLOOR.

    `simple`: for a simple random sample, the least u.
    """
    if simple:
        return _by_held(lots)[:size]
    held, others = _apart(lots)
    floor = _floor(others, size)
    return [*held, *others[:size], *(lot for lot in others[size:] if lot.id in floor)]


def drawn(lots: Iterable[Lot], size: int, *, simple: bool = False) -> Drawn:
    """The sample of `size` series, and those held out; of fewer series all are in the sample.

    `simple`: a simple random sample, from which none is held out. Its first series are those that a training
    with the same seed holds out.
    """
    if simple:
        return Drawn(tuple(_by_held(lots)[:size]), ())
    held, others = _apart(lots)
    lacking = min(max(size - len(others), 0), len(held))  # so few series are not held out
    return Drawn(
        chosen(sorted([*others, *held[len(held) - lacking :]]), size), tuple(held[: len(held) - lacking])
    )


def chosen(lots: Sequence[Lot], size: int) -> tuple[Lot, ...]:
    """Those of `lots`, which are in the order of h, that rules 2 and 3 choose, in this order."""
    floor = _floor(lots, size)
    rest = [lot for lot in lots if lot.id not in floor]
    return tuple(sorted([*(lot for lot in lots if lot.id in floor), *rest[: size - len(floor)]]))


def _apart(lots: Iterable[Lot]) -> tuple[list[Lot], list[Lot]]:
    """The series held out, by u, and the others, by h."""
    by_held = _by_held(lots)
    return by_held[:HELD], sorted(by_held[HELD:])


def _by_held(lots: Iterable[Lot]) -> list[Lot]:
    return sorted(lots, key=lambda lot: (lot.held, lot.id))


def _floor(lots: Sequence[Lot], size: int) -> set[str]:
    """The ids that the sample has for the sake of their strata, of `lots` by h."""
    strata: dict[Stratum, list[str]] = defaultdict(list)
    for lot in lots:
        strata[lot.stratum].append(lot.id)
    least = _of_each([len(ids) for ids in strata.values()], size // FLOOR)
    return {name for ids in strata.values() for name in ids[:least]}


def _of_each(counts: Sequence[int], most: int) -> int:
    """The largest c with sum min(n, c) <= most, for the numbers n of series in each stratum."""
    left, chosen = most, 0
    for place, count in enumerate(sorted(counts)):
        alike = len(counts) - place
        if (count - chosen) * alike > left:
            return chosen + left // alike
        left -= (count - chosen) * alike
        chosen = count
    return chosen
