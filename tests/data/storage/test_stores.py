"""Files in buckets, with a server that speaks S3."""

import glob
from pathlib import Path

import object_store
import pyarrow.parquet as pq
import pytest

from forecaster.data.storage import files, matching, stores
from forecaster.data.storage.failures import Missing
from forecaster.data.storage.place import place
from forecaster.errors import DataError, StorageError, UsageError

TREE = ("a.csv", "b.csv", ".hidden.csv", "c.parquet", "2024/a.csv", "2024/deep/x.csv", "2025/a.csv",
        "2025/ü b.csv", ".private/a.csv", "odd[1].csv", "k=v%2F1/a.csv", "2024/.hid.csv")  # fmt: skip
PATTERNS = ("*.csv", "?.csv", "**", "**/*.csv", "2024/**/*.csv", "202?/a.csv", "*/*.csv", "202[4-5]/*",
            "*/deep/*.csv", ".*.csv", "2025/ü*", "k=*/a.csv", "**/deep/**", "odd[[]1].csv", "*/nothing.csv",
            ".private/*", "**/**/x.csv")  # fmt: skip


def test_what_is_written_is_read(bucket: object_store.Bucket) -> None:
    """Bytes of any number come back; a file is there once it is written, and gone once it is removed."""
    big = bytes(range(256)) * 80_000  # more than one part of an upload and of a read
    for key, data in (("a/b.bin", b"x"), ("a/big", big), ("empty", b"")):
        files.write(bucket / key, data)
        assert files.read(bucket / key) == data
        assert files.size_and_time(bucket / key)[0] == len(data)
    assert files.start(bucket / "a/big", 3) == big[:3]
    assert files.is_file(bucket / "a/b.bin")
    assert files.is_folder(bucket / "a")
    files.remove(bucket / "a/b.bin")
    assert not files.is_file(bucket / "a/b.bin")
    with pytest.raises(Missing, match="there is no file"):
        files.read(bucket / "a/b.bin")
    files.remove_folder(bucket / "a")
    files.remove_folder(bucket / "a")
    assert bucket.keys() == ["empty"]


def test_a_file_is_read_piece_by_piece(bucket: object_store.Bucket) -> None:
    """Row groups of a Parquet file in a bucket are read one at a time."""
    import pyarrow as pa

    buffer = pa.BufferOutputStream()
    pq.write_table(pa.table({"x": range(1000)}), buffer, row_group_size=100)
    bucket.put("x.parquet", buffer.getvalue().to_pybytes())
    with files.open_file(bucket / "x.parquet") as file:
        parquet = pq.ParquetFile(file)
        assert parquet.read_row_group(3)["x"].to_pylist() == list(range(300, 400))


@pytest.mark.parametrize("pattern", PATTERNS)
def test_globs_name_the_same_files_as_here(pattern: str, tree: tuple[Path, object_store.Bucket]) -> None:
    """Each pattern names in a bucket what it names in a folder."""
    folder, bucket = tree
    here = {
        path.relative_to(folder).as_posix()
        for name in glob.glob(str(folder / pattern), recursive=True)  # noqa: PTH207 - what is compared
        if (path := Path(name)).is_file()
    }
    there = matching.matches(place(f"s3://{bucket.name}/top/{pattern}"))
    assert {where.key.removeprefix("top/") for where in there} == here
    assert there == sorted(there)


@pytest.fixture(scope="module")
def tree(s3_server: str, tmp_path_factory: pytest.TempPathFactory):
    """The same files in a folder and in a bucket."""
    folder = tmp_path_factory.mktemp("tree")
    bucket = object_store.Bucket(s3_server, "tree")
    with pytest.MonkeyPatch.context() as patch:
        bucket.use(patch)
        for name in TREE:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text("x")
            bucket.put(f"top/{name}", "x")
        yield folder, bucket


def test_a_replaced_file_is_noticed(bucket: object_store.Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """An object of the same size that takes the place of another in the same second is not mixed with it."""
    bucket.put("a.csv", b"1" * 100)
    parts = stores._parts

    def replaced_after_reading(file, size):
        data = parts(file, size)
        stores.write(bucket / "a.csv", b"2" * 100)
        return data

    monkeypatch.setattr(stores, "_parts", replaced_after_reading)
    with pytest.raises(DataError, match="changed while it was read"):
        files.read(bucket / "a.csv")


def test_what_cannot_be_written_is_refused_early(bucket: object_store.Bucket) -> None:
    """A bucket that is not there is named; the look leaves nothing behind."""
    with pytest.raises(StorageError, match="there is no bucket 'nowhere'"):
        files.check_writable(place("s3://nowhere/a.csv"))
    files.check_writable(bucket / "sub/a.csv")
    assert bucket.keys() == []
    with pytest.raises(UsageError, match="only read"):
        files.check_writable(place("https://example.org/a.csv"))


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "its store cannot be reached"),
        ({"AWS_ENDPOINT_URL": "http://nohost.invalid"}, "its store cannot be reached"),
    ],
)
def test_a_store_out_of_reach_is_named_soon(environment: dict[str, str], said: str, monkeypatch) -> None:
    """Within seconds, with the place and the cause, and no secret."""
    monkeypatch.setenv("FORECAST_STORAGE_SECONDS", "3")
    for name, value in (object_store.KEYS | environment).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StorageError, match=said) as raised:
        files.read("s3://b/a.csv")
    assert "s3://b/a.csv" in str(raised.value)
    assert "very-secret-word" not in str(raised.value)


def test_an_unknown_option_is_refused() -> None:
    """The options of a store are named, the value of a wrong one is not."""
    with pytest.raises(UsageError, match="endpoint_override") as raised:
        files.read("s3://b/a.csv?secret_key=hush")
    assert "hush" not in str(raised.value)


def test_an_upload_that_fails_leaves_the_old_object(
    bucket: object_store.Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a store that has begun an upload takes its parts no more, what was there stays."""
    bucket.put("big", b"old")

    def refuse(method, path):
        return 403 if method in ("PUT", "POST") and "uploadId" in path else None

    with object_store.Proxy(bucket.address, refuse) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.address)
        with pytest.raises(StorageError, match="no permission"):
            files.write(bucket / "big", b"x" * 11_000_000)
    monkeypatch.setenv("AWS_ENDPOINT_URL", bucket.address)
    assert files.read(bucket / "big") == b"old"
