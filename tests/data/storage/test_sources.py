"""Data in buckets is read as data here: files, folders, globs, partitions."""

from pathlib import Path

import object_store
import pytest
from command import daily

from forecaster.data.load import load
from forecaster.data.reading.files import is_among
from forecaster.data.storage.place import place
from forecaster.errors import DataError, MemoryLimitError, StorageError, UsageError
from forecaster.machine import memory

FILES = ("files/b.csv", "files/a.csv", "files/_left.csv", "files/readme.md", "parts/symbol=B/y=1/p.csv",
         "parts/symbol=A%2F1/y=1/p.csv", "parts/symbol=A%2F1/.p.csv", "parts/other/p.csv",
         "empty/readme.md")  # fmt: skip
SOURCES = (
    "files",
    "files/*.csv",
    "parts",
    "parts/",
    "parts/symbol=B",
    "parts/*/*.csv",
    "files/b.csv",
    "**/b.csv",
)


@pytest.fixture(scope="module")
def both(s3_server: str, tmp_path_factory: pytest.TempPathFactory):
    """The same tables in a folder and in a bucket."""
    folder, bucket = tmp_path_factory.mktemp("sources"), object_store.Bucket(s3_server, "sources")
    with pytest.MonkeyPatch.context() as patch:
        bucket.use(patch)
        for name in FILES:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(daily(40 + len(name)))
            bucket.put(name, folder / name)
        yield folder, bucket


@pytest.mark.parametrize("source", SOURCES)
def test_a_bucket_is_read_as_a_folder_is(source: str, both: tuple[Path, object_store.Bucket]) -> None:
    """The same series with the same ids, times and values, from the same files in the same order."""
    folder, bucket = both
    here, there = load(f"{folder}/{source}"), load(f"s3://{bucket.name}/{source}")
    assert there.panel.ids == here.panel.ids
    assert there.panel.target.tolist() == here.panel.target.tolist()
    assert there.panel.time.tolist() == here.panel.time.tolist()
    assert (there.digest, there.read) == (here.digest, here.read)
    assert there.source == f"s3://{bucket.name}/{source}".rstrip("/")


@pytest.mark.parametrize(
    ("source", "kind", "said"),
    [
        ("s3://sources/nothing.csv", StorageError, "there is no file 's3://sources/nothing.csv'"),
        ("s3://sources/nothing/*.csv", StorageError, "no file matches"),
        ("s3://sources/empty/", DataError, "holds no data"),
        ("s3://sources/files/a.csv?nothing=1", UsageError, "no address that can be read"),
        ("s3://no-such-bucket/a.csv", StorageError, "there is no bucket 'no-such-bucket'"),
        ("s3://***@sources/files/a.csv", UsageError, "where a secret was"),
    ],
)
def test_what_is_not_there_is_named(source: str, kind: type[Exception], said: str, both) -> None:
    """As for files here, with the place as it was typed."""
    with pytest.raises(kind, match=said):
        load(source)


def test_the_size_is_asked_first(both, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of more bytes than the memory that may be taken is refused before it is read."""
    monkeypatch.setattr(memory, "left", lambda: 1000)
    with pytest.raises(MemoryLimitError, match=r"reading 'a\.csv'"):
        load("s3://sources/files/a.csv")


def test_an_output_among_the_data_is_noticed(both) -> None:
    """Whether a file is one of a folder or glob that is read."""
    assert is_among(place("s3://sources/files/a.csv"), place("s3://sources/files/"))
    assert is_among(place("s3://sources/files/a.csv"), place("s3://sources/*/?.csv"))
    assert not is_among(place("s3://sources/files/new.csv"), place("s3://sources/files/"))
    assert not is_among(place("s3://sources/files/a.csv"), place("s3://sources/parts"))
