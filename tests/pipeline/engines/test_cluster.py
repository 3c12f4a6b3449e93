"""A cluster of two nodes on this machine, one of which is killed while it works: `make cluster`."""

import importlib.util
import time
from pathlib import Path

import engine_work
import pytest
from ray_runs import quiet_ray

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed"),
]


@pytest.fixture
def cluster(monkeypatch):
    """A head without a core, and two nodes with one each."""
    monkeypatch.setenv("PYTHONPATH", str(Path(engine_work.__file__).parent))  # the nodes find the work there
    with quiet_ray():
        from ray.cluster_utils import Cluster

        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
        made.nodes = [made.add_node(num_cpus=1) for _ in range(2)]
        monkeypatch.setenv("RAY_ADDRESS", made.address)
        yield made
        made.shutdown()


def test_a_node_that_is_killed_loses_and_doubles_nothing(cluster):
    """Its pieces are begun again on the other, and on one that comes; results are the same."""
    import ray

    from forecaster.pipeline.engines.ray import Ray

    pieces = list(range(30))
    engine = Ray()
    found = []
    for result in engine.map(engine_work.slow_times, 3, pieces):
        found.append(result)
        if len(found) == 4:
            cluster.remove_node(cluster.nodes[0], allow_graceful=False)
        if len(found) == 12:
            cluster.add_node(num_cpus=1)
    assert sorted(found) == [(number, 3 * piece) for number, piece in enumerate(pieces)]
    del engine
    assert not ray.is_initialized()
    ray.init(cluster.address)  # a cluster of others goes on
    assert ray.cluster_resources()["CPU"] == 2
    ray.shutdown()
    time.sleep(0.1)
