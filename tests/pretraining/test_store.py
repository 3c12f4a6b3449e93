"""Weights as files: they come back unchanged, and nothing damaged or made for something else is read."""

import dataclasses
import json
import struct

import numpy as np
import pytest
import stand_ins
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load as load_arrays
from stand_ins import stand_in

from forecaster.errors import ModelError, UsageError
from forecaster.nn.array_file import decode, encode
from forecaster.pretraining import store
from forecaster.pretraining.store import FOLDER, FORMAT, OWN_FOLDER, VERSION, Pretrained, by_kind, card, load
from forecaster.pretraining.views import STEP

UNREADABLE = (ValueError, KeyError, TypeError, UsageError)
CONTENT = stand_in("season_4").to_bytes()
kinds = pytest.mark.parametrize("kind", STEP)


def same(one, other):
    """Whether two networks are alike in every respect."""
    return (
        (one.kind, one.design, one.facts) == (other.kind, other.design, other.facts)
        and one.network.flat.tobytes() == other.network.flat.tobytes()
        and np.array_equal(one.dependence, other.dependence)
        and one.digest == other.digest
    )


def forged(change=None, arrays=None, content=CONTENT, version=VERSION):
    """The file with another description or other arrays, under a digest that fits."""
    text, held = decode(content, FORMAT)
    values = json.loads(text)
    if change is not None:
        change(values)
    return encode(json.dumps(values), held if arrays is None else arrays, format=FORMAT, version=version)


@kinds
def test_bytes_come_back(kind):
    """Each kind is read as it was written, and written again to the same bytes."""
    network = stand_in(kind)
    content = network.to_bytes()
    again = Pretrained.from_bytes(content)
    assert same(network, again)
    assert again.to_bytes() == content


def test_weights_are_rounded_to_half_precision():
    """What is written is half as long, and the digest is that of what is written."""
    network = stand_in("prices")
    network.network.flat[0] = 1 / 3
    again = Pretrained.from_bytes(network.to_bytes())
    assert again.network.flat[0] == np.float16(1 / 3)
    assert again.network.flat.dtype == np.float32
    assert again.digest == network.digest


def test_the_digest_knows_every_part():
    """Other weights, another dependence, other facts: another digest."""
    network = stand_in("season_4")
    others = [
        stand_in("season_4", seed=1),
        dataclasses.replace(network, dependence=np.eye(8)),
        dataclasses.replace(network, facts={"seed": 9}),
    ]
    assert len({each.digest for each in (network, *others)}) == 4
    assert all(len(each.digest) == 12 for each in others)


def test_the_year_is_a_matter_of_models_not_of_weights():
    """Models say whether days are seen without their year; files and digests of weights do not."""
    network = stand_in("season_7")
    without = dataclasses.replace(network, yearly=True)
    assert without.to_bytes() == network.to_bytes()
    assert without.digest == network.digest
    for one in (network, without):
        assert Pretrained.from_parts(*one.to_parts()).yearly == one.yearly
    assert "yearly" not in network.to_parts()[0]
    with pytest.raises(ValueError, match="year"):
        Pretrained.from_parts({**network.to_parts()[0], "yearly": 3}, network.to_parts()[1])


@given(st.integers(0, len(CONTENT) - 1), st.integers(1, 255))
def test_every_damaged_byte_is_refused(place, flip):
    """A byte that differs anywhere is an error; or, where it cannot matter, the very same network."""
    damaged = bytearray(CONTENT)
    damaged[place] ^= flip
    try:
        found = Pretrained.from_bytes(bytes(damaged))
    except UNREADABLE:
        return
    assert same(found, stand_in("season_4"))


@given(st.integers(0, len(CONTENT) - 1))
def test_every_truncation_is_refused(length):
    """A file that is cut off is an error."""
    with pytest.raises(UNREADABLE):
        Pretrained.from_bytes(CONTENT[:length])


def test_the_forging_is_sound():
    """Without a change, what `forged` writes is read: so what it changes is what is refused below."""
    assert same(Pretrained.from_bytes(forged()), stand_in("season_4"))


def changed(**values):
    """A change of the design."""
    return lambda content: content["design"].update(values)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (changed(hidden=7), "sizes"),
        (changed(horizon=12), "sizes"),
        (changed(hidden=10**9), "hidden cannot be"),
        (changed(horizon=10**9), "cannot be"),
        (changed(hidden=-3), "hidden"),
        (changed(hidden=0), "hidden"),
        (changed(inputs=10**9), "does not read"),
        (changed(gates=[0.1]), "does not read"),
        (changed(gates=[]), "does not read"),
        (changed(median=False), "does not read"),
        (changed(hidden="6"), "hidden"),
        (changed(depth=2), "depth"),
        (lambda content: content.pop("design"), "design"),
        (lambda content: content.pop("facts"), "facts"),
        (lambda content: content.update(kind="season_12"), "does not read"),
        (lambda content: content.update(kind="season_3"), "season_3"),
        (lambda content: content.update(kind=["season_4"]), "unhashable"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_design_that_does_not_fit_is_refused(change, words):
    """Sizes are compared before memory is taken; inputs and gates are those of the kind."""
    with pytest.raises(UNREADABLE) as caught:
        Pretrained.from_bytes(forged(change))
    assert words in f"{caught.value} {getattr(caught.value, 'message', '')}"


def arrays_of(content=CONTENT):
    return load_arrays(content)


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: arrays | {"weights": arrays["weights"][:-1].copy()},
        lambda arrays: arrays | {"weights": arrays["weights"][None].copy()},
        lambda arrays: arrays | {"weights": arrays["weights"].astype(np.float32)},
        lambda arrays: arrays | {"dependence": arrays["dependence"][:4, :4].copy()},
        lambda arrays: arrays | {"dependence": arrays["dependence"].astype(np.float64)},
        lambda arrays: {"weights": arrays["weights"]},
        lambda arrays: {"dependence": arrays["dependence"]},
        lambda arrays: arrays | {"weights": np.full_like(arrays["weights"], np.nan)},
        lambda arrays: arrays | {"dependence": np.full_like(arrays["dependence"], np.inf)},
    ],
)
def test_arrays_that_do_not_fit_are_refused(change):
    """Other sizes, other types, a missing array, and values that are not finite."""
    with pytest.raises(UNREADABLE):
        Pretrained.from_bytes(forged(arrays=change(arrays_of())))


def test_other_files_are_refused(tmp_path):
    """A model is no file of weights, nor is a later version of one."""
    text, arrays = decode(CONTENT, FORMAT)
    with pytest.raises(ValueError, match="not a forecaster model"):
        Pretrained.from_bytes(encode(text, arrays, format="forecaster-model", version=VERSION))
    with pytest.raises(ValueError, match="another version"):
        Pretrained.from_bytes(forged(version=VERSION + 1))
    for content in (b"", b"PK\x03\x04" * 9, struct.pack("<Q", 2**63) + CONTENT[8:]):
        with pytest.raises(ValueError, match=r"too short|header"):
            Pretrained.from_bytes(content)


def test_a_folder_of_ones_own_comes_first(tmp_path, own_weights):
    """Its weights replace those of the package kind by kind."""
    own_weights(stand_ins.write(tmp_path / "mine", ["season_4"], seed=5))
    assert load("season_4").digest == stand_in("season_4", seed=5).digest
    shipped = FOLDER / "season_12.safetensors"
    assert load("season_12").digest == Pretrained.from_bytes(shipped.read_bytes()).digest


@pytest.mark.parametrize("damage", ["cut", "another kind", "of another design", "a folder"])
def test_a_damaged_file_is_a_model_error(damage, tmp_path, own_weights):
    """The message names the file and says what to do."""
    path = tmp_path / "season_4.safetensors"
    if damage == "a folder":
        path.mkdir()
    else:
        contents = {"cut": CONTENT[:-1], "another kind": stand_in("season_12").to_bytes(),
                    "of another design": forged(changed(hidden=7))}  # fmt: skip
        path.write_bytes(contents[damage])
    own_weights(tmp_path)
    with pytest.raises(ModelError, match=r"season_4\.safetensors") as caught:
        load("season_4")
    assert "python -m forecaster.pretraining" in caught.value.hint


def test_a_missing_file_is_a_model_error(tmp_path, own_weights, monkeypatch):
    """So is a package without its weights."""
    monkeypatch.setattr(store, "FOLDER", tmp_path / "nowhere")
    own_weights(tmp_path)
    with pytest.raises(ModelError, match="cannot be read"):
        load("season_4")


def test_the_networks_of_the_package(monkeypatch):
    """Each file in the package is read, is of the kind of its name, and all together are at most 6 MB."""
    files = sorted(FOLDER.glob("*.safetensors"))
    assert files
    assert sum(path.stat().st_size for path in files) <= 6e6
    for path in files:
        network = Pretrained.from_bytes(path.read_bytes())
        assert network.kind == path.stem
        assert network.network.flat.any()
        correlation = network.dependence @ network.dependence.T
        assert np.allclose(np.diag(correlation), 1, atol=0.01)
        assert np.array_equal(network.dependence, np.tril(network.dependence))
        assert {"seed", "steps", "batch"} <= set(network.facts)


def test_what_show_tells():
    """A section for each network of the package, with what identifies its weights."""
    sections = card()
    assert set(sections) == {path.stem.replace("_", " of ") for path in FOLDER.glob("*.safetensors")}
    for name, section in sections.items():
        network = load(name.replace(" of ", "_"))
        assert section["weights"] == network.digest
        assert section["parameters"] == network.network.flat.size
        assert section["trained on"] == "synthetic series only"
        assert section["seed"] == network.facts["seed"]


def test_networks_by_kind():
    """The last of a kind counts."""
    networks = [stand_in("season_4"), stand_in("prices")]
    assert by_kind(networks) == {"season_4": networks[0], "prices": networks[1]}


def test_the_variable_is_no_option():
    """Every option has a variable FORECAST_*: that of the folder is none of them."""
    from forecaster.cli import options

    names = {name for group in vars(options).values() if isinstance(group, dict) for name in group}
    assert "pretrained" in names
    assert OWN_FOLDER not in {f"FORECAST_{str(name).upper()}" for name in names}
