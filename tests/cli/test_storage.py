"""Data, results and models in buckets, by the installed `forecast` and a server that speaks S3."""

import dataclasses
import json
import subprocess
import time
from pathlib import Path

import object_store
import pytest
from command import SCRIPT, assert_clean_failure, daily, environment, forecast, inside

from forecaster.data.storage import files

SECRET = "hush%2Fhush"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table, a model of it and its forecast."""
    folder = tmp_path_factory.mktemp("here")
    (folder / "demand.csv").write_text(daily())
    result = forecast("train", "demand.csv", "--horizon", "7", cwd=folder)
    assert result.returncode == 0, result.stderr
    assert forecast("predict", "-o", "f.csv", cwd=folder).returncode == 0
    return folder


def test_the_same_forecast_from_a_bucket(
    bucket: object_store.Bucket, folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Train and predict with every file in a bucket: the same forecasts as here, to the byte, and no secret
    of a URL in anything that is written or said.
    """
    bucket.put("in/demand.csv", folder / "demand.csv")
    secret = f"s3://AKIATEST:{SECRET}@{bucket.name}"
    asked = ["--summary", f"{secret}/s.json", "--log-file", "log.txt", "--model", f"{secret}/m/x.model"]
    keys = ["--report", f"{secret}/errors.json", "--keep", "1", "--json"]
    run = {"cwd": tmp_path, **bucket.environment}
    trained = forecast("train", f"{secret}/in/demand.csv", "--horizon", "7", *asked, *keys, **run)
    assert trained.returncode == 0, trained.stderr
    output = ["-o", f"{secret}/out/f.csv", "--plot", f"{secret}/p.svg", "--report", f"{secret}/p.html"]
    predicted = forecast("predict", f"{secret}/in/demand.csv", *asked, *output, **run)
    assert predicted.returncode == 0, predicted.stderr
    assert files.read(bucket / "out/f.csv") == (folder / "f.csv").read_bytes()
    assert bucket.keys() == [
        "errors.json",
        "in/demand.csv",
        "m/x.model",
        "out/f.csv",
        "p.html",
        "p.svg",
        "s.json",
    ]
    summary = json.loads(files.read(bucket / "s.json"))
    assert [Path(each["path"]).name for each in summary["files"]] == ["p.svg", "p.html", "f.csv"]
    assert all(each["sha256"] and each["bytes"] for each in summary["files"])
    told = [trained.stdout, trained.stderr, predicted.stderr, (tmp_path / "log.txt").read_text()]
    assert summary["source"]["name"] == f"s3://***@{bucket.name}/in/demand.csv"
    assert f"saved s3://***@{bucket.name}/m/x.model" in trained.stderr
    assert not any("hush" in text for text in told)
    assert not any(b"hush" in files.read(bucket / key) for key in bucket.keys())  # noqa: SIM118 - no mapping
    again = inside("predict", "--model", f"s3://{bucket.name}/m/x.model", capfd=capfd)
    assert_clean_failure(again, 2)
    assert "remembers no secrets" in again.stderr


def test_old_models_are_kept_and_brought_back(
    bucket: object_store.Bucket, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Numbers beside a model in a bucket, and `rollback` from there; the source is read again from memory."""
    from forecaster.model.model import Model
    from forecaster.model.old_models import save_keeping

    bucket.put("demand.csv", folder / "demand.csv")
    model = bucket / "m/x.model"
    for seed in (1, 2, 3):
        save_keeping(Written(str(seed)), model, 2)
    assert files.read(bucket / "m/x.model.1") == b"2"
    assert bucket.keys() == ["demand.csv", "m/x.model", "m/x.model.1", "m/x.model.2"]
    bucket.put("m/x.model.1", folder / "forecast.model")
    result = inside("rollback", "--model", str(model), capfd=capfd)
    assert result.returncode == 0, result.stderr
    assert files.read(model) == (folder / "forecast.model").read_bytes()
    assert bucket.keys() == ["demand.csv", "m/x.model", "m/x.model.1", "m/x.model.undone"]
    assert (files.read(bucket / "m/x.model.1"), files.read(bucket / "m/x.model.undone")) == (b"1", b"3")
    assert Model.load(str(model)).horizon == 7


class Written:
    """What `save_keeping` saves: the bytes of a text."""

    def __init__(self, content: str) -> None:
        self.content = content

    def save(self, path) -> None:
        files.write(path, self.content.encode())


def test_a_model_that_another_machine_replaced_is_not_lost(
    bucket: object_store.Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs on one machine wait for each other; what one elsewhere wrote is seen before it is replaced."""
    from forecaster.cli.train import _kept_at_least
    from forecaster.errors import LockedError
    from forecaster.model.lock import lock

    place = bucket.put("x.model", "1")
    with lock(place) as held:
        assert not held.is_replaced()
        held.check()
        with pytest.raises(LockedError, match="another run is training"), lock(str(place)):
            pass
        files.write(place, b"2")
        assert held.is_replaced()
        with pytest.raises(LockedError, match="replaced meanwhile"):
            held.check()
        assert _kept_at_least(held) == 1


def test_a_server_that_a_model_names_is_not_followed(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The credentials of the user would go there: whoever wants that names the data."""
    from forecaster.model.model import Model

    model = Model.load(folder / "forecast.model")
    facts = dataclasses.replace(model.facts, source="s3://b/a.csv?endpoint_override=other.example.org")
    dataclasses.replace(model, facts=facts).save(tmp_path / "x.model")
    result = inside("predict", "--model", str(tmp_path / "x.model"), capfd=capfd)
    assert_clean_failure(result, 4)
    assert "on a server that the model chooses" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("inspect", "s3://{b}/nothing.csv"), 5, "there is no file 's3://{b}/nothing.csv'"),
        (("train", "s3://{b}/demand.csv", "--model", "s3://no-such-bucket/x"), 5, "there is no bucket"),
        (("predict", "--model", "s3://{b}/no.model"), 4, "there is no model at 's3://{b}/no.model'"),
        (
            ("predict", "--model", "pretrained", "s3://{b}/demand.csv", "-o", "https://h/f.csv"),
            2,
            "only read",
        ),
        (
            ("predict", "--model", "pretrained", "s3://{b}/d*.csv", "-o", "s3://{b}/demand.csv"),
            2,
            "same file",
        ),
        (("inspect", "s3://{b}/demand.csv", "--export", "s3://{b}/demand.csv"), 2, "is the same file"),
        (("inspect", "s3://{b}/demand.csv", "--log-file", "s3://{b}/log"), 2, "appended to"),
        (("inspect", "s3://{b}/demand.csv", "--summary", "s3://{b}/demand.csv"), 2, "is no summary"),
        (("inspect", "ftp://{b}/demand.csv"), 2, "of an unknown kind"),
        (("inspect", "s3://{b}/demand.csv?nix=1"), 2, "no address that can be read"),
    ],
)
def test_refusals(
    arguments: tuple[str, ...], code: int, said: str, bucket, capfd: pytest.CaptureFixture[str]
) -> None:
    """One message, which names the place, and the right exit code."""
    bucket.put("demand.csv", daily())
    result = inside(*(word.format(b=bucket.name) for word in arguments), capfd=capfd)
    assert_clean_failure(result, code)
    assert said.format(b=bucket.name) in result.stderr
    assert bucket.keys() == ["demand.csv"]


@pytest.mark.parametrize("status", [403, 500])
def test_what_a_store_refuses_is_said_before_the_work(
    status: int,
    bucket: object_store.Bucket,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """No permission to write: exit code 5 before the data is read; the old object stays."""
    bucket.put("demand.csv", daily())
    bucket.put("f.csv", "old")
    monkeypatch.setenv("FORECAST_STORAGE_SECONDS", "3")

    def refused(method, path):
        return status if method in ("PUT", "POST") else None

    with object_store.Proxy(bucket.address, refused) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.address)
        result = inside("predict", f"s3://{bucket.name}/demand.csv", "--model", "pretrained", "-o",
                        f"s3://{bucket.name}/f.csv", capfd=capfd)  # fmt: skip
    assert_clean_failure(result, 5)
    assert ("no permission" in result.stderr) == (status == 403)
    assert not any("demand.csv" in path for _, path in proxy.seen)
    monkeypatch.setenv("AWS_ENDPOINT_URL", bucket.address)
    assert files.read(bucket / "f.csv") == b"old"


def test_a_killed_upload_leaves_the_old_object(
    bucket: object_store.Bucket, folder: Path, tmp_path: Path
) -> None:
    """SIGKILL while the new forecasts are on their way: a reader sees the old ones, whole."""
    bucket.put("demand.csv", folder / "demand.csv")
    bucket.put("f.csv", "old")

    def waits(method, path):
        return object_store.WAIT if method == "PUT" and "/f.csv" in path else None

    with object_store.Proxy(bucket.address, waits) as proxy:
        run = environment(**bucket.environment | {"AWS_ENDPOINT_URL": proxy.address})
        arguments = ["predict", f"s3://{bucket.name}/demand.csv", "--model", str(folder / "forecast.model"),
                     "-o", f"s3://{bucket.name}/f.csv"]  # fmt: skip
        process = subprocess.Popen([SCRIPT, *arguments], cwd=tmp_path, env=run, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while not any(method == "PUT" and "/f.csv" in path for method, path in proxy.seen):
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.02)
        process.kill()
        process.wait(60)
    assert files.read(bucket / "f.csv") == b"old"
    assert bucket.keys() == ["demand.csv", "f.csv"]
