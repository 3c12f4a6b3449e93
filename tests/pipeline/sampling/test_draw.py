"""Who is drawn: by the rules as they are written, in whatever order and parts the series come."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.errors import UsageError
from forecaster.features.strata import Stratum
from forecaster.pipeline.sampling import draw
from forecaster.pipeline.sampling.draw import drawn, kept, lots_of, salt_of, sample_size

HELD = 7


@pytest.fixture(autouse=True)
def few_held(monkeypatch):
    """Few series are held out, so that few make a data set."""
    monkeypatch.setattr(draw, "HELD", HELD)


def series(counts, seed=0):
    """Lots of so many series of each stratum."""
    strata = [Stratum(2**place, None, False) for place, count in enumerate(counts) for _ in range(count)]
    return lots_of([f"s{number:04d}" for number in range(len(strata))], strata, salt_of(seed))


def naive(lots, size):
    """The rules of `draw`, read aloud: the ids of the sample and of those held out."""
    held = sorted(lots, key=lambda lot: lot.held)[: max(0, min(HELD, len(lots) - size))]
    others = sorted((lot for lot in lots if lot not in held), key=lambda lot: lot.order)
    strata = {lot.stratum for lot in others}

    def least(count):
        return [lot for each in strata for lot in [one for one in others if one.stratum == each][:count]]

    count = 0
    while count < len(others) and len(least(count + 1)) <= size // 4:
        count += 1
    chosen = least(count)
    for lot in others:
        if len(chosen) < size and lot not in chosen:
            chosen.append(lot)
    return {lot.id for lot in chosen}, {lot.id for lot in held}


def ids(found):
    return {lot.id for lot in found.sampled}, {lot.id for lot in found.held}


counts_of_strata = st.lists(st.integers(0, 40), min_size=1, max_size=6).filter(sum)


@settings(max_examples=150)
@given(counts=counts_of_strata, size=st.integers(1, 60), seed=st.integers(0, 9), parts=st.integers(1, 6))
def test_the_sample_is_that_of_the_rules_in_any_parts(counts, size, seed, parts):
    """Pruned piece by piece, in any order, twice over, the sample is that of all series at once."""
    lots = series(counts, seed)
    random.Random(seed).shuffle(lots)
    left = []
    for number in range(parts):
        left = kept([*left, *kept(lots[number::parts], size)], size)
    assert ids(drawn(left, size)) == naive(lots, size) == ids(drawn(lots, size))


@given(counts=counts_of_strata, size=st.integers(1, 60))
def test_what_is_kept_is_bounded(counts, size):
    """Memory does not grow with the data."""
    assert len(kept(series(counts), size)) <= HELD + size + size // 4


def test_the_smallest_strata_are_not_lost_and_large_ones_are_in_proportion():
    """One series of 2 in 2,000 is drawn; the largest stratum still has most of the sample."""
    lots = series([1500, 400, 98, 2])
    found = drawn(lots, 200)
    each = Counter(lot.stratum.rows for lot in found.sampled)
    assert len(found.sampled) == 200 and each[8] + sum(lot.stratum.rows == 8 for lot in found.held) == 2
    assert each[4] >= 16 and each[1] > 120


def test_all_series_of_a_small_data_set_are_in_the_sample():
    """None is held out where there are no more than are asked for."""
    lots = series([20, 3])
    assert ids(drawn(lots, 23)) == ids(drawn(lots, 1000)) == ({lot.id for lot in lots}, set())
    sampled, held = ids(drawn(lots, 20))
    assert (len(sampled), len(held)) == (20, 3)


def test_half_of_a_sample_is_part_of_it():
    """The learning curve compares a sample with series of it."""
    found = drawn(series([300, 50, 4]), 100)
    half = draw.chosen(found.sampled, 50)
    assert len(half) == 50 and {*half} < {*found.sampled}


def test_seeds_draw_apart_and_are_the_same_everywhere():
    """Another seed, another sample; the same seed gives the same on every machine."""
    one, other = (drawn(series([300], seed), 100) for seed in (0, 1))
    assert 10 < len(ids(one)[0] & ids(other)[0]) < 60
    (lot,) = lots_of(["Zürich"], [Stratum(1, 0, False)], salt_of(0))
    assert (lot.order, lot.held) == (16705951907498065929, 8051239084450515840)


@pytest.mark.parametrize("wrong", ["", "99", 99, "1e4", "-5", "all", True, 10**12, "²00"])
def test_sizes_that_are_refused(wrong):
    """With what to give instead."""
    with pytest.raises(UsageError, match=r"sample_series cannot be .*\nGive 100 or more, or auto\."):
        sample_size(wrong)


def test_sizes():
    """A number or its text, or as many as are enough."""
    assert [sample_size(each) for each in (100, "250", "auto")] == [100, 250, draw.ENOUGH]
