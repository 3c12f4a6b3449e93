"""The model file: a saved model loads unchanged, and no other file is accepted."""

import dataclasses
import hashlib
import json
import os
import struct

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

import forecaster
from forecaster.config import Options, ReadConfig
from forecaster.errors import ModelError, StorageError
from forecaster.methods.blend import prior
from forecaster.methods.smoothing import TABLE_METHODS, methods_of
from forecaster.model.file import FORMAT, MAX_BYTES, VERSION
from forecaster.model.model import Model, hashes
from forecaster.pipeline.inspect import inspect
from forecaster.pipeline.predict import predict
from forecaster.pipeline.train import train


@pytest.fixture(scope="module")
def table():
    """Two short daily series with a covariate."""
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=50)
    wave = 20 + 4 * np.sin(np.arange(50) * 0.9)
    parts = [
        pd.DataFrame({"id": name, "ds": days, "y": wave + rng.random(50), "heat": rng.random(50)})
        for name in "ab"
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def model(table):
    """A tiny ensemble of two."""
    return trained(table)


def trained(table, **asked):
    """A model of one network, taken twice."""
    options = Options(
        horizon=3, hidden=4, steps=10, lookback=6, segment=2, members=1, levels=(80, 95), **asked
    )
    read = ReadConfig(target=("y",), covariates=("heat",))
    one = train(table, options, read).model
    blend = dataclasses.replace(one.blend, weights=prior(2, methods_of(one.blend), 500))
    return dataclasses.replace(one, members=one.members * 2, blend=blend)


def of_format_1(model):
    """The model as the first format has it: a scale for the table, and half-widths."""
    blend = dataclasses.replace(model.blend, scales="table", weights=prior(2, TABLE_METHODS[:2], 500))
    widths = np.array([[1.0], [2.0]]) * np.sqrt(np.arange(1.0, 4.0))
    none = dict.fromkeys(("distribution", "series", "held"))
    return dataclasses.replace(model, blend=blend, half_widths=widths, **none)


@pytest.fixture(scope="module")
def content(model, tmp_path_factory):
    """The bytes of its file."""
    path = tmp_path_factory.mktemp("model") / "x.model"
    model.save(path)
    return path.read_bytes()


def same(one, other):
    """Whether two models are alike in every respect."""
    return (
        one.options == other.options
        and one.facts == other.facts
        and one.blend == other.blend
        and [member.config for member in one.members] == [member.config for member in other.members]
        and [m.network.flat.tobytes() for m in one.members]
        == [m.network.flat.tobytes() for m in other.members]
        and intervals_of(one) == intervals_of(other)
    )


def intervals_of(model):
    """What the intervals of a model of either format are made from, to the byte."""
    if model.half_widths is not None:
        assert model.distribution is None and model.series is None
        return model.half_widths.shape, model.half_widths.tobytes()
    arrays = model.distribution.to_arrays() | {"series": model.series}
    return {name: (array.dtype, array.shape, array.tobytes()) for name, array in arrays.items()}


def loaded(content, tmp_path):
    """The model in a file of these bytes."""
    path = tmp_path / "y.model"
    path.write_bytes(content)
    return Model.load(path)


def refused(content, tmp_path, words="y.model"):
    """Assert that a file of these bytes is a ModelError with the file's name and a hint; its message."""
    with pytest.raises(ModelError, match=words) as caught:
        loaded(content, tmp_path)
    assert "y.model" in caught.value.message
    assert "forecast train" in caught.value.hint or "pip install" in caught.value.hint
    return caught.value.message


def header_of(content):
    """(JSON of the header, bytes of the arrays)."""
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def with_header(header, body):
    """A file of this header, written as safetensors does."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + body


def forged(content, change=None, arrays=None, **metadata):
    """The file with another configuration or arrays, under a digest that fits, as an attacker writes it."""
    held = header_of(content)[0]["__metadata__"]
    values = json.loads(held["model"])
    if change is not None:
        change(values)
    weights = load_arrays(content) if arrays is None else arrays
    text = metadata.pop("text", None) or json.dumps(values, sort_keys=True)
    digest = hashlib.sha256(text.encode())
    for name in sorted(weights):
        array = weights[name]
        digest.update(f"{name}|{array.dtype.str}|{array.shape}|".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return save_arrays(weights, held | {"model": text, "sha256": digest.hexdigest()} | metadata)


# --- round trip ---------------------------------------------------------------------------------------


def test_load_gives_what_was_saved(model, content, tmp_path):
    """Everything comes back: options, members, weights, blend, intervals and facts."""
    assert same(loaded(content, tmp_path), model)


def test_a_model_of_either_format_comes_back(table, model, tmp_path):
    """A model has the distribution of its errors or half-widths, never both, and comes back as it was."""
    assert model.half_widths is None
    for each in (model, of_format_1(model)):
        each.save(tmp_path / "z.model")
        content = (tmp_path / "z.model").read_bytes()
        again = loaded(content, tmp_path)
        assert same(again, each)
        again.save(tmp_path / "z.model")
        assert (tmp_path / "z.model").read_bytes() == content
        frames = [predict(one, table).to_frame() for one in (each, again)]
        pd.testing.assert_frame_equal(*frames, check_exact=True)
    both = dataclasses.replace(model, half_widths=of_format_1(model).half_widths)
    neither = dataclasses.replace(model, distribution=None, series=None)
    for wrong in (both, neither):
        wrong.save(tmp_path / "z.model")
        refused((tmp_path / "z.model").read_bytes(), tmp_path, "there are no intervals, or two kinds")


def test_a_series_is_known_by_its_id(model):
    """The factor of a series is found wherever it stands; a series never seen has the factor one."""
    factors = np.array([0.5, 2.0])
    known = dataclasses.replace(
        model,
        distribution=dataclasses.replace(model.distribution, factors=factors),
        series=hashes(["b", "a"]),
    )
    assert known.factors_of(["a", "c", "b", "a"]).tolist() == [2.0, 1.0, 0.5, 2.0]
    assert len(set(hashes([str(number) for number in range(1000)]).tolist())) == 1000


def damages(arrays):
    """What can be wrong with the arrays of a distribution: name -> arrays."""
    ratios, positions = arrays["errors.ratios"], arrays["errors.positions"]
    unsorted = ratios.copy()
    unsorted[0, 0, [3, 4]] = unsorted[0, 0, [4, 3]] + [1.0, 0.0]
    yield "unsorted ratios", {"errors.ratios": unsorted}
    yield "ratios backwards", {"errors.ratios": ratios[..., ::-1].copy()}
    yield "fewer steps", {"errors.ratios": ratios[:, :-1].copy()}
    yield "fewer levels", {"errors.ratios": ratios[..., :-1].copy()}
    yield "fewer kinds", {"errors.ratios": ratios[:-1].copy()}
    yield "no positions", {"errors.positions": positions[:, :0].copy()}
    yield "another number of kinds", {"errors.positions": positions[:-1].copy()}
    yield "factors of more series", {"errors.factors": np.ones(len(arrays["errors.factors"]) + 1)}
    yield "hashes of more series", {"errors_of_series": hashes(["a", "b", "c"])}
    yield "hashes in a table", {"errors_of_series": hashes(["a", "b"])[:, None].copy()}
    yield "signed hashes", {"errors_of_series": hashes(["a", "b"]).astype(np.int64)}
    yield "short ratios", {"errors.ratios": ratios.astype(np.float32)}
    yield "a volatility of three", {"errors.volatility": np.zeros((len(ratios), 3))}
    yield "mixing of fewer steps", {"errors.mixing": arrays["errors.mixing"][:, :-1, :-1].copy()}


def test_a_damaged_distribution_is_refused(content, tmp_path):
    """Arrays of the distribution that do not belong together, or quantiles out of order, never load."""
    whole = load_arrays(content)
    assert [n for n in whole if n.startswith("errors.")] and "errors_of_series" in whole
    for what, changed in damages(whole):
        assert any(
            not np.array_equal(array, whole[name]) or array.dtype != whole[name].dtype
            for name, array in changed.items()
        ), what
        refused(forged(content, arrays=whole | changed), tmp_path, "distribution|whose factors")
    for name in ("errors_of_series", "errors.ratios", "errors.mixing"):
        missing = {each: array for each, array in whole.items() if each != name}
        refused(forged(content, arrays=missing), tmp_path, "does not fit")


def test_half_widths_of_format_1_are_checked(model, tmp_path):
    """They are one for each level and step; nothing else of format 1 loads."""
    of_format_1(model).save(tmp_path / "z.model")
    content = (tmp_path / "z.model").read_bytes()
    refused(forged(content, lambda v: v["options"].update(levels=[80])), tmp_path, "half-widths")
    widths = load_arrays(content)["half_widths"]
    for other in (widths[:1].copy(), widths[:, :-1].copy(), widths.T.copy(), widths.astype(np.float32)):
        refused(
            forged(content, arrays=load_arrays(content) | {"half_widths": other}), tmp_path, "half-widths"
        )


def test_a_distribution_of_one_series_is_checked_too(table, tmp_path):
    """Hashes in a table of one row are no hashes of one series."""
    model = trained(table[table["id"] == "a"])
    model.save(tmp_path / "z.model")
    content = (tmp_path / "z.model").read_bytes()
    assert same(loaded(content, tmp_path), model)
    arrays = load_arrays(content)
    arrays["errors_of_series"] = arrays["errors_of_series"][None].copy()
    refused(forged(content, arrays=arrays), tmp_path, "distribution|whose factors")


def test_segment_decoders_are_saved_and_loaded(table, tmp_path):
    """Positions come back with the other weights, and so do the forecasts; positions too many are damage."""
    model = trained(table, decoder="segments")
    model.save(tmp_path / "z.model")
    content = (tmp_path / "z.model").read_bytes()
    again = loaded(content, tmp_path)
    assert same(again, model)
    assert again.members[0].network.parameters["decoder.positions"].shape == (2, 4)  # 3 steps in twos
    assert again.card()["members"]["network 1"]["decoder"] == "segments"
    pd.testing.assert_frame_equal(
        forecaster.predict(again, table, target=("y",)), forecaster.predict(model, table, target=("y",))
    )

    def longer(values):
        for member in values["members"]:
            member["network"]["output_segment"] = 1

    refused(forged(content, longer), tmp_path, "weights do not have the sizes of the network")


def test_a_file_from_before_there_were_decoders(table, tmp_path):
    """A setting that is not in the file is its default: a direct head."""
    model = trained(table, decoder="direct")
    model.save(tmp_path / "z.model")

    def older(values):
        del values["options"]["decoder"]
        for member in values["members"]:
            del member["network"]["output_segment"]

    again = loaded(forged((tmp_path / "z.model").read_bytes(), older), tmp_path)
    assert [member.config for member in again.members] == [member.config for member in model.members]
    assert again.members[0].network.flat.tobytes() == model.members[0].network.flat.tobytes()


def test_saving_again_gives_the_same_bytes(content, tmp_path):
    """Load and save are inverse to each other, byte for byte."""
    loaded(content, tmp_path).save(tmp_path / "z.model")
    assert (tmp_path / "z.model").read_bytes() == content


def test_a_loaded_model_forecasts_the_same(table, model, content, tmp_path):
    """The forecasts of the file are those of the model, bit for bit."""
    frames = [predict(each, table).to_frame() for each in (model, loaded(content, tmp_path))]
    pd.testing.assert_frame_equal(*frames, check_exact=True)


def test_the_forging_of_these_tests_is_sound(model, content, tmp_path):
    """Without a change, what `forged` writes loads: so what it changes is what is refused below."""
    assert same(loaded(forged(content), tmp_path), model)
    header, body = header_of(content)
    assert same(loaded(with_header(header, body), tmp_path), model)


def test_saving_replaces_atomically(model, content, tmp_path):
    """An older file is replaced as a whole, and nothing else is left in the folder."""
    path = tmp_path / "y.model"
    path.write_bytes(b"older")
    model.save(str(path))
    assert path.read_bytes() == content
    assert [file.name for file in tmp_path.iterdir()] == ["y.model"]


def test_saving_into_a_missing_folder(model, tmp_path):
    """What cannot be written is a StorageError."""
    with pytest.raises(StorageError, match="cannot be written"):
        model.save(tmp_path / "none" / "y.model")


# --- what is not there, or not a file -----------------------------------------------------------------


def test_a_missing_file(tmp_path):
    """A model that is not there says how to make one."""
    with pytest.raises(ModelError, match="there is no model at") as caught:
        Model.load(tmp_path / "none.model")
    assert "forecast train" in caught.value.hint


def test_a_directory_is_no_model(tmp_path):
    """A folder in place of the file is named as what it is."""
    with pytest.raises((ModelError, StorageError), match="directory"):
        Model.load(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(content, tmp_path):
    """A file that may not be read is a StorageError."""
    path = tmp_path / "y.model"
    path.write_bytes(content)
    path.chmod(0)
    with pytest.raises(StorageError, match="Permission denied"):
        Model.load(path)


def test_a_giant_is_refused_before_it_is_read(tmp_path):
    """A file larger than any model is not read into memory."""
    path = tmp_path / "y.model"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(ModelError, match="more than any model file may have"):
        Model.load(path)


# --- damage -------------------------------------------------------------------------------------------


def test_every_truncation_is_found(content, tmp_path):
    """A file cut off anywhere, or with anything after it, is damaged."""
    (length,) = struct.unpack("<Q", content[:8])
    edges = {0, 1, 7, 8, 9, 8 + length - 1, 8 + length, 8 + length + 1, len(content) - 1}
    for end in sorted(edges | set(range(0, len(content), 37))):
        refused(content[:end], tmp_path)
    refused(content + b"\0", tmp_path)
    refused(content + content, tmp_path)


def test_flipped_bits_are_found(model, content, tmp_path):
    """A flipped bit anywhere is an error; or, where it cannot matter, the very same model."""
    rng = np.random.default_rng(0)
    harmless = 0
    for place in (*range(8), *range(8, len(content), 3), len(content) - 1):
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(rng.integers(8))
        try:
            found = loaded(bytes(damaged), tmp_path)
        except ModelError:
            continue
        assert same(found, model)
        harmless += 1
    assert harmless < 40


def test_overwritten_bytes_are_detected(model, content, tmp_path):
    """Zeros, ones or noise over any part of the file never give another model."""
    rng = np.random.default_rng(1)
    for _ in range(300):
        start, size = int(rng.integers(len(content))), int(rng.integers(1, 200))
        noise = [b"\0" * size, b"\xff" * size, rng.bytes(size)][rng.integers(3)]
        damaged = (content[:start] + noise + content[start + size :])[: len(content)]
        if damaged != content:
            refused(damaged, tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"PK\x03\x04" * 10, b"\x80\x04\x95" + b"pickle" * 5, b"day,y\n2024-01-01,1\n" * 3],
    ids=["empty", "json", "zip", "pickle", "csv"],
)
def test_files_of_other_kinds(content, tmp_path):
    """No other file is taken for a model."""
    refused(content, tmp_path)


@pytest.mark.parametrize("length", [2**63, 2**64 - 1, 2**40, 10**6])
def test_an_oversized_header(content, length, tmp_path):
    """A header said to be longer than the file is refused before anything is allocated."""
    refused(struct.pack("<Q", length) + content[8:], tmp_path, "header is longer")


def test_a_header_of_another_shape(content, tmp_path):
    """A header that is no JSON object, has no metadata, or nests without end, is refused."""
    _, body = header_of(content)
    for header in ([], 3, "x", {}, {"__metadata__": 3}, {"__metadata__": {}}, {"__metadata__": None}):
        refused(with_header(header, body), tmp_path)
    refused(with_header(b"[" * 200_000, body), tmp_path)
    refused(with_header(b'{"__metadata__":' * 50_000, body), tmp_path)
    refused(with_header(b"\xff\xfe{}", body), tmp_path)


def test_shapes_and_offsets_that_do_not_fit(content, tmp_path):
    """Shapes that overflow, are negative, overlap or leave holes are refused."""
    for change in (
        {"shape": [2**62, 2**62]},
        {"shape": [2**64, 1]},
        {"shape": [-1, 4]},
        {"shape": [0]},
        {"shape": "x"},
        {"data_offsets": [0, 2**63]},
        {"data_offsets": [8, 4]},
        {"data_offsets": [-8, 0]},
        {"dtype": "F128"},
        {"dtype": None},
    ):
        header, body = header_of(content)
        name = next(name for name in header if name != "__metadata__")
        header[name] |= change
        refused(with_header(header, body), tmp_path)
    header, body = header_of(content)
    names = [name for name in header if name != "__metadata__"]
    header[names[0]]["data_offsets"] = header[names[1]]["data_offsets"]
    refused(with_header(header, body), tmp_path)


# --- what others wrote --------------------------------------------------------------------------------


def test_a_foreign_safetensors_file(tmp_path):
    """The weights of another program are no model of ours."""
    weights = {"w": np.zeros((2, 3), np.float32)}
    refused(save_arrays(weights), tmp_path, "not a forecaster model")
    refused(save_arrays(weights, {"format": "pt"}), tmp_path, "not a forecaster model")
    refused(save_arrays(weights, {"format": FORMAT, "version": "1"}), tmp_path, "lacks required fields")


def test_a_file_of_another_format(content, tmp_path):
    """A file that is whole but says it is something else is none of ours."""
    refused(forged(content, format="other-model"), tmp_path, "not a forecaster model")


@pytest.mark.parametrize("version", [VERSION + 1, 99])
def test_a_newer_version(content, version, tmp_path):
    """A model of a newer format says to update."""
    message = refused(forged(content, version=str(version)), tmp_path, "newer")
    assert str(version) in message


@pytest.mark.parametrize("version", ["0", "-1", "x", "", "1.5"])
def test_a_version_that_never_was(content, version, tmp_path):
    """An invalid version counts as damage."""
    refused(forged(content, version=version), tmp_path)


# --- forged: the digest fits, and still nothing wrong gets in -----------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite(content, value, tmp_path):
    """NaN or infinity in any array is refused."""
    for name, array in load_arrays(content).items():
        if array.dtype.kind != "f":  # hashes, the memory
            continue
        arrays = load_arrays(content)
        arrays[name].flat[-1] = value
        refused(forged(content, arrays=arrays), tmp_path, "not finite")


def test_arrays_of_another_type(content, tmp_path):
    """Every array has its one type."""
    for name in load_arrays(content):
        for kind in (np.float64, np.float32, np.float16, np.int32, bool):
            arrays = load_arrays(content)
            if arrays[name].dtype != kind:
                with np.errstate(over="ignore"):
                    arrays[name] = arrays[name].astype(kind)
                refused(forged(content, arrays=arrays), tmp_path)


def test_arrays_of_another_shape(content, tmp_path):
    """Every array has the shape that the configuration asks for."""
    for name, array in load_arrays(content).items():
        for other in (array.T.copy(), array[:-1].copy(), array.ravel(), array[None].copy()):
            if other.shape != array.shape:
                refused(forged(content, arrays=load_arrays(content) | {name: other}), tmp_path)


def test_arrays_too_many_or_missing(content, tmp_path):
    """No array may be missing, and none is ignored."""
    for name in load_arrays(content):
        arrays = load_arrays(content)
        del arrays[name]
        refused(forged(content, arrays=arrays), tmp_path)
    for name in ("more", "member0.more", "member9.head.weight"):
        refused(forged(content, arrays=load_arrays(content) | {name: np.zeros(3, np.float32)}), tmp_path)


CHANGES = {
    "no members": lambda v: v.update(members=[]),
    "members of another kind": lambda v: v.update(members=5),
    "a member that is no object": lambda v: v.update(members=[3, 4]),
    "a member missing": lambda v: v["members"].pop(),
    "an unknown setting": lambda v: v["members"][0].update(extra=1),
    "an unknown cell": lambda v: v["members"][0]["network"].update(cell="transformer"),
    "another hidden size": lambda v: v["members"][0]["network"].update(hidden=5),
    "a negative hidden size": lambda v: v["members"][0]["network"].update(hidden=-4),
    "a giant hidden size": lambda v: v["members"][0]["network"].update(hidden=2**62),
    "giant layers": lambda v: v["members"][0]["network"].update(layers=10**12),
    "a segment of zero": lambda v: v["members"][0].update(segment=0),
    "a segment that does not fit": lambda v: v["members"][0].update(segment=3),
    "a lookback of zero": lambda v: v["members"][0].update(lookback=0),
    "another horizon": lambda v: v["members"][0].update(horizon=4),
    "another horizon in one member": lambda v: v["members"][1].update(horizon=2),
    "gaps that the inputs do not hold": lambda v: v["members"][0].update(gaps=True),
    "phases that the inputs do not hold": lambda v: v["members"][0].update(phases=[7, 30]),
    "a phase of zero": lambda v: v["members"][0].update(phases=[0]),
    "a season of zero": lambda v: v["members"][0].update(seasons=[0]),
    "another covariate": lambda v: v["facts"]["names"].update(covariates=[]),
    "a scale that is none": lambda v: v["blend"].update(scales="every"),
    "limits that are none": lambda v: v["blend"].update(limits={"least": 0}),
    "a blend of what is not there": lambda v: v["blend"].update(weights={"network 9": 1.0}),
    "a blend of nothing": lambda v: v["blend"].update(weights={}),
    "blend weights that are not finite": lambda v: v["blend"].update(weights={"theta": float("nan")}),
    "no facts": lambda v: v.update(facts=None),
    "facts without source": lambda v: v["facts"].pop("source"),
    "a holiday that cannot be": lambda v: v["facts"]["frequency"].update(
        holidays=[{"kind": "date", "day": 99}]
    ),
    "a frequency that is none": lambda v: v["facts"]["frequency"].update(alias="fortnight"),
    "no seasonalities": lambda v: v["facts"]["frequency"].update(seasonalities=[]),
    "a last time of another type": lambda v: v["facts"].update(last="now"),
    "no options": lambda v: v.pop("options"),
    "a share that is none": lambda v: v.update(network_share="half"),
    "a share above one": lambda v: v.update(network_share=1.5),
    "a share of nothing": lambda v: v.update(network_share=None),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_configuration_that_does_not_fit(content, change, tmp_path):
    """A configuration that contradicts itself or the weights is refused on loading already."""
    refused(forged(content, change), tmp_path, "does not fit")


@pytest.mark.parametrize("text", ["[]", "3", "null", "{", '"x"', "[" * 200_000])
def test_a_configuration_that_is_no_object(content, text, tmp_path):
    """A configuration that is not even an object is refused, nested without end or not."""
    refused(forged(content, text=text), tmp_path)


# --- does it fit the data -----------------------------------------------------------------------------


def test_data_of_another_frequency(table, model):
    """A daily model refuses hourly data."""
    hourly = table.assign(ds=np.tile(pd.date_range("2024-01-01", periods=50, freq="h"), 2))
    with pytest.raises(ModelError, match=r"frequency D.*frequency h"):
        predict(model, hourly, read=ReadConfig(freq="h"))


def test_data_without_its_covariates(table, model):
    """Covariates must be those of the training, in their order."""
    panel = inspect(table, ReadConfig(target=("y",))).panel
    with pytest.raises(ModelError, match="covariates"):
        model.check_fits(panel)


# --- the card -----------------------------------------------------------------------------------------


def test_the_card_lists_the_facts(model, content, tmp_path):
    """The card is plain JSON and says what a reader wants to know; a loaded model's is the same."""
    card = model.card()
    assert json.loads(json.dumps(card)) == card == loaded(content, tmp_path).card()
    assert card["data"]["frequency"] == "D"
    assert card["data"]["covariates"] == ["heat"]
    assert (card["data"]["series"], card["data"]["rows"]) == (2, 100)
    assert (card["data"]["first"], card["data"]["last"]) == ("2024-01-01", "2024-02-19")
    assert card["forecast"]["horizon"] == 3
    assert len(card["members"]) == 2
    assert card["report"] == model.facts.report


def test_a_model_without_report_has_a_card(model):
    """Where nothing could be held out the report is empty."""
    facts = dataclasses.replace(model.facts, report=None)
    assert dataclasses.replace(model, facts=facts).card()["report"] == {}


@pytest.mark.parametrize("name", ["../../escaped", "/tmp/escaped", "member0.embedding.weight/../x", "a\x00b"])
def test_a_path_in_a_name(content, tmp_path, name):
    """An array named like a path is no array of ours; nothing is written anywhere."""
    before = sorted(tmp_path.iterdir())
    refused(forged(content, arrays=load_arrays(content) | {name: np.zeros(3, np.float32)}), tmp_path)
    assert sorted(tmp_path.iterdir()) == [*before, tmp_path / "y.model"]


def test_a_model_behind_a_link_is_the_model(model, content, tmp_path):
    """A symbolic link to a model loads it; one to nothing, or to itself, is an error that says so."""
    (tmp_path / "y.model").write_bytes(content)
    (tmp_path / "link").symlink_to("y.model")
    assert same(Model.load(tmp_path / "link"), model)
    (tmp_path / "nothing").symlink_to("gone")
    with pytest.raises(ModelError, match="no model"):
        Model.load(tmp_path / "nothing")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(StorageError, match="loop"):
        Model.load(tmp_path / "loop")


def test_data_without_a_column_that_networks_read_is_refused(model, table):
    """A model of other holidays or events: what is missing is named."""
    member = model.members[0]
    config = dataclasses.replace(member.config, known=("holiday DE-BY",), known_width=1)
    knowing = dataclasses.replace(model, members=(dataclasses.replace(member, config=config),))
    panel = inspect(table, ReadConfig(target=("y",), covariates=("heat",))).panel
    with pytest.raises(ModelError, match="knows 'holiday DE-BY', which this data lacks") as error:
        knowing.check_fits(panel)
    assert "--holidays" in str(error.value)
