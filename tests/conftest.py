"""Every test runs under the Hypothesis profile that HYPOTHESIS_PROFILE names, `ci` by default, and with small
networks of random weights in place of the pretrained ones.
"""

from itertools import count

import object_store
import profiles  # noqa: F401 - registers the profiles and loads one, before a test module asks for it
import pytest
import stand_ins

from forecaster.pretraining.store import load


@pytest.fixture(scope="session", autouse=True)
def small_networks(tmp_path_factory):
    """The folder of the stand-ins, which this process and those that it starts use."""
    folder = stand_ins.write(tmp_path_factory.mktemp("weights"))
    with pytest.MonkeyPatch.context() as patch:
        stand_ins.use(folder, patch)
        yield folder
    load.cache_clear()


@pytest.fixture
def own_weights(monkeypatch, tmp_path):
    """use(folder): let this test use the weights of another folder."""
    yield lambda folder: stand_ins.use(folder, monkeypatch)
    load.cache_clear()


@pytest.fixture(scope="session")
def s3_server():
    """The address of a server that speaks S3, one for all tests of this process."""
    with object_store.serve() as address:
        yield address


@pytest.fixture
def bucket(s3_server, monkeypatch, names=count()):  # noqa: B008 - one count for all tests
    """An empty bucket, which this process reaches as users do: by its environment."""
    bucket = object_store.Bucket(s3_server, f"bucket-{next(names)}")
    bucket.use(monkeypatch)
    return bucket
