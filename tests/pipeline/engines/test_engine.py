"""Engines: each piece once, whatever dies; errors, Ctrl-C and leaving early."""

import importlib
import importlib.util
import itertools
import socket
import sys
import time

import numpy as np
import pytest
from engine_work import dies, refuses, sleeps, times, writes
from ray_runs import quiet_ray

from forecaster.errors import DataError, MemoryLimitError, StorageError, UsageError
from forecaster.pipeline.engines.named import engine_named
from forecaster.pipeline.engines.processes import InTurn, Processes

NO_RAY = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")
NAMES = ["in turn", "processes", pytest.param("ray", marks=NO_RAY)]


@pytest.fixture(scope="module")
def ray():
    """One Ray for all tests here: it takes seconds to begin."""
    from forecaster.pipeline.engines.ray import Ray

    with quiet_ray():
        made = Ray(workers=2)
        yield made
        if made._closed is not None:  # not when pytest lets go of it: tests of other files begin their own
            made._closed()


@pytest.fixture
def engine(request):
    """The engine of this name."""
    if request.param == "ray":
        return request.getfixturevalue("ray")
    return InTurn() if request.param == "in turn" else Processes(2)


each_engine = pytest.mark.parametrize("engine", NAMES, indirect=True)
with_workers = pytest.mark.parametrize("engine", NAMES[1:], indirect=True)


@each_engine
def test_each_piece_once(engine):
    """Every piece is worked on once, with what is shared; results carry the number of their piece."""
    pieces = [5, 7, 7, 0, -1] * 4
    found = dict(engine.map(times, 3, pieces))
    assert found == {number: 3 * piece for number, piece in enumerate(pieces)}


@each_engine
def test_nothing_to_do(engine):
    """Without pieces there are no results, and no process is begun."""
    assert list(engine.map(times, 3, [])) == []


@each_engine
def test_pieces_are_made_as_they_are_needed(engine):
    """An endless list of pieces is no trouble, and few are taken before their turn."""
    taken = []
    pieces = (taken.append(piece) or piece for piece in itertools.count())
    first = list(itertools.islice(engine.map(times, 1, pieces), 5))
    assert {number for number, _ in first} <= set(range(8)) and len(taken) <= 5 + 2 * engine.workers


@each_engine
def test_an_error_of_the_work_is_raised(engine):
    """With its hint, and it ends the rest."""
    with pytest.raises(DataError, match="row 3 is wrong") as caught:
        list(engine.map(refuses, None, [1, 2, 3, 4]))
    assert caught.value.hint == "Mend it."


@with_workers
def test_a_bug_in_a_worker_is_shown(engine):
    """Not retried, and with its traceback."""
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        list(engine.map(refuses, None, [5]))


@with_workers
def test_a_worker_that_dies_is_replaced(engine, tmp_path):
    """Its piece is begun again, and nothing is lost or doubled."""
    found = sorted(engine.map(dies, tmp_path, [0, 1, 0, 2, 1]))
    assert [result for _, result in found] == [0, 1, 0, 2, 1] and [n for n, _ in found] == list(range(5))


@with_workers
def test_a_piece_that_kills_every_worker_ends_the_run(engine, tmp_path):
    """After three tries, with a hint."""
    with pytest.raises(MemoryLimitError, match=r"a process has died.*on piece 2, 3 times") as caught:
        list(engine.map(dies, tmp_path, [0, 3]))
    assert "--workers" in caught.value.hint


@with_workers
def test_leaving_early_ends_the_workers(engine, tmp_path):
    """No process goes on once nobody wants its results."""
    results = engine.map(sleeps, tmp_path, range(50))
    next(results)
    results.close()
    done = len(list(tmp_path.iterdir()))
    time.sleep(0.5)
    assert len(list(tmp_path.iterdir())) == done


def test_the_engine_by_its_name():
    """Processes by default, one for each core; a single one works in this process; others are refused."""
    assert isinstance(engine_named(workers=1), InTurn)
    assert engine_named("processes", 3).workers == 3
    with pytest.raises(UsageError, match="no engine 'dask'"):
        engine_named("dask")


@with_workers
def test_what_is_shared_may_be_written_to(engine):
    """Arrays are the worker's own, as they are in one process."""
    assert [total for _, total in sorted(engine.map(writes, np.zeros(3), [1, 2]))] == [3.0, 6.0]


def test_ray_that_is_missing_is_named(monkeypatch):
    """With what to install."""
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match="needs the library ray") as caught:
        engine_named("ray")
    assert "forecaster[ray]" in caught.value.hint


@NO_RAY
@pytest.mark.parametrize("before", ["", "ray://"])
def test_a_cluster_that_does_not_answer(monkeypatch, before):
    """Of RAY_ADDRESS and of ray://: an error that names it, at once; Ray would try for many minutes."""
    importlib.import_module("ray").shutdown()  # that of the tests before
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"{before}127.0.0.1:{server.getsockname()[1]}"
    monkeypatch.setenv("RAY_ADDRESS", address)
    began = time.monotonic()
    with pytest.raises(StorageError, match=f"{address} cannot be reached: .*refused"):
        list(engine_named("ray").map(times, 2, [1]))
    assert time.monotonic() - began < 5


@NO_RAY
def test_other_versions_on_a_node_are_named(ray, monkeypatch):
    """Results of other versions could be others: nothing is done there."""
    monkeypatch.setattr("forecaster.pipeline.engines.ray.version", {"numpy": "1.0"}.get)
    with pytest.raises(UsageError, match=r"has forecaster .*, but this machine has None"):
        list(ray.map(times, 1, [1]))
