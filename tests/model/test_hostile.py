"""Hostile models: a right digest under any content. Each is refused (exit code 4), or forecasts as any model.

FORECAST_HOSTILE=all tries every value in every place; otherwise a sample is tried.
"""

import copy
import hashlib
import io
import json
import os
import random
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from forecaster.errors import ForecasterError, ModelError
from forecaster.model.model import Model
from forecaster.pipeline.predict import predict
from forecaster.pipeline.train import train

VALUES: tuple[Any, ...] = (
    *(
        0,
        -1,
        1,
        3,
        2**31,
        2**63,
        -(2**70),
        10**400,
        1e308,
        -1e308,
        5e-324,
        0.5,
        True,
        None,
        "",
        "NaN",
        "x",
        "\0",
    ),
    *(
        "9" * 5000,
        "../../etc/passwd",
        "\ud800",
        [],
        {},
        [[]],
        [None],
        [0],
        [2**63],
        ["x"],
        {"x": 1},
        {"": []},
    ),
)
SAMPLE = 90
"""Tries in the report and elsewhere: the report has most of the places, and few checks."""
CODES = {2, 3, 4}


def series(rows: int = 60) -> pd.DataFrame:
    """A daily series with a covariate."""
    day = np.arange(rows)
    values = 20 + 4 * np.sin(day * 2 * np.pi / 7) + np.random.default_rng(0).random(rows)
    return pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=rows), "y": values, "heat": day % 5 + 0.5})


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a real model that has everything: networks, methods, pretrained ones, a report."""
    from forecaster.config import Options, ReadConfig

    options = Options(horizon=3, hidden=4, steps=10, lookback=14, segment=7, members=2, workers=1)
    read = ReadConfig(target=("y",), covariates=("heat",))
    path = tmp_path_factory.mktemp("hostile") / "x.model"
    train(series(), options, read).model.save(path)
    return path.read_bytes()


def header_of(content: bytes) -> dict[str, str]:
    """The metadata of a file."""
    (length,) = struct.unpack("<Q", content[:8])
    metadata: dict[str, str] = json.loads(content[8 : 8 + length])["__metadata__"]
    return metadata


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every part of a JSON value."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def changed(content: bytes, path: tuple[Any, ...], value: Any) -> bytes:
    """The file with another value at a place, under a digest that fits."""
    held = header_of(content)
    whole = json.loads(held["model"])
    part = whole
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    return forged(content, json.dumps(whole, sort_keys=True))


def forged(content: bytes, text: str, arrays: dict[str, Any] | None = None) -> bytes:
    """The file with another configuration or other arrays, under a digest that fits."""
    held = header_of(content)
    arrays = load_arrays(content) if arrays is None else arrays
    digest = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name}|{array.dtype.str}|{array.shape}|".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return save_arrays(arrays, held | {"model": text, "sha256": digest.hexdigest()})


def outcome(content: bytes, folder: Path) -> int:
    """0 for a good forecast, else the exit code of the error."""
    from rich.console import Console

    from forecaster.report.terminal import print_card

    path = folder / "y.model"
    path.write_bytes(content)
    try:
        model = Model.load(path)
        print_card(Console(file=io.StringIO()), model.card())
        frame = predict(model, series()).to_frame()
    except ForecasterError as error:
        assert len(str(error)) < 3000
        return error.exit_code
    assert len(frame) == model.horizon
    assert np.isfinite(frame.drop(columns="ds").to_numpy(float)).all()
    return 0


def test_any_value_in_any_place(content: bytes, tmp_path: Path) -> None:
    """Whatever stands where in the configuration: a forecast, or an error with a code of ours."""
    text = json.loads(header_of(content)["model"])
    tries = [(path, value) for path in places(text) for value in VALUES]
    if os.environ.get("FORECAST_HOSTILE") != "all":
        parts = [[each for each in tries if ("report" in each[0][:2]) == of] for of in (True, False)]
        tries = [each for part in parts for each in random.Random(1).sample(part, SAMPLE)]
    wrong = {}
    for path, value in tries:
        try:
            code = outcome(changed(content, path, copy.deepcopy(value)), tmp_path)
        except Exception as error:  # noqa: BLE001 - what the test is about
            code = repr(error)[:150]
        if code not in (0, *CODES):
            wrong[f"{path} = {value!r:.40}"] = code
    assert not wrong, "\n".join(f"{place}: {code}" for place, code in wrong.items())


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("members", 0, "lookback"), 14 * 10**6, "lookback is longer than its data"),
        (("members", 0, "level_rows"), 10**7, "level_rows is longer than its data"),
        (("members", 0, "seasons"), [10**8], "season is longer than its data"),
        (("blend", "seasons"), [10**8], "season of the blend"),
        (("blend", "seasons"), [0], "season of the blend"),
        (("members",), [], "it has no networks"),
        (("facts", "names", "tz"), "Mars/Olympus", "time zone is unknown"),
        (("facts", "frequency", "alias"), "fortnight", "unknown frequency"),
        (("facts", "training", "shortest"), 10**12, "shortest series"),
        (("facts", "last"), 2**63, "first and last timestamp"),
        (("facts", "values"), {"kind": {"plain": "x"}}, "no counts"),
        (("facts", "report"), [[[[[[[[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]]]]]]], "report"),
    ],
)
def test_each_check_has_its_word(
    path: tuple[Any, ...], value: Any, words: str, content: bytes, tmp_path: Path
) -> None:
    """A number out of range is refused when the model is loaded, in words that say which part it is."""
    (tmp_path / "y.model").write_bytes(changed(content, path, value))
    with pytest.raises(ModelError, match=words) as caught:
        Model.load(tmp_path / "y.model")
    assert "y.model" in caught.value.message
    assert "forecast train" in caught.value.hint


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999"])
def test_numbers_that_are_none(value: str, content: bytes, tmp_path: Path) -> None:
    """NaN and infinity are in no model, however they are written."""
    text = header_of(content)["model"].replace('"rate": 0.003', f'"rate": {value}')
    assert value in text
    (tmp_path / "y.model").write_bytes(forged(content, text))
    with pytest.raises(ModelError, match="does not fit"):
        Model.load(tmp_path / "y.model")


def test_nested_a_thousand_times(content: bytes, tmp_path: Path) -> None:
    """Lists in lists are refused, by whatever is reached first."""
    text = header_of(content)["model"].replace('"log": ', '"log": ' + "[" * 5000 + "]" * 5000 + ', "x": ', 1)
    (tmp_path / "y.model").write_bytes(forged(content, text))
    with pytest.raises(ModelError):
        Model.load(tmp_path / "y.model")


@pytest.mark.parametrize("size", [1e30, 1e308, -1e308, 0.0])
def test_any_number_in_any_array(size: float, content: bytes, tmp_path: Path) -> None:
    """Weights and errors of any size: a finite forecast, or an error of the model."""
    text = header_of(content)["model"]
    for name, array in load_arrays(content).items():
        if array.dtype.kind != "f":
            continue
        arrays = load_arrays(content)
        most = float(np.finfo(array.dtype).max)
        arrays[name] = np.full_like(array, np.clip(size, -most, most))
        with np.errstate(all="ignore"):
            assert outcome(forged(content, text, arrays), tmp_path) in (0, 4), name
