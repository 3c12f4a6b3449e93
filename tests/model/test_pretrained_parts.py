"""Models that blend pretrained networks carry them, and no damaged or missing one is accepted."""

import dataclasses
import hashlib
import json
import struct

import numpy as np
import pandas as pd
import pytest
import stand_ins
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays
from stand_ins import stand_in

import forecaster
from forecaster.config import Options
from forecaster.errors import ModelError
from forecaster.model.model import Model
from forecaster.pipeline.train import train
from forecaster.pretraining.store import load

TINY = {"horizon": 4, "hidden": 4, "steps": 10, "members": 1, "workers": 1}


@pytest.fixture(scope="module")
def table():
    """A daily series with a week."""
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=90)
    return pd.DataFrame({"ds": days, "y": 20 + 4 * np.sin(np.arange(90) * 0.9) + rng.random(90)})


@pytest.fixture(scope="module")
def model(table):
    """A model of which half is the pretrained network."""
    one = train(table, Options(**TINY)).model
    blend = dataclasses.replace(one.blend, weights={"pretrained": 0.5, "naive": 0.5}, by_group={})
    return dataclasses.replace(one, blend=blend, pretrained=(load("season_7"), load("prices")))


@pytest.fixture
def content(model, tmp_path):
    """The bytes of its file."""
    model.save(tmp_path / "x.model")
    return (tmp_path / "x.model").read_bytes()


def loaded(content, tmp_path):
    """The model in a file of these bytes."""
    (tmp_path / "y.model").write_bytes(content)
    return Model.load(tmp_path / "y.model")


def forged(content, change=None, arrays=None):
    """The file with another configuration or arrays, under a digest that fits."""
    (length,) = struct.unpack("<Q", content[:8])
    metadata = json.loads(content[8 : 8 + length])["__metadata__"]
    values, weights = json.loads(metadata["model"]), load_arrays(content)
    if change is not None:
        change(values)
    weights = weights if arrays is None else arrays(weights)
    text = json.dumps(values, sort_keys=True)
    digest = hashlib.sha256(text.encode())
    for name in sorted(weights):
        digest.update(f"{name}|{weights[name].dtype.str}|{weights[name].shape}|".encode())
        digest.update(np.ascontiguousarray(weights[name]).tobytes())
    return save_arrays(weights, metadata | {"model": text, "sha256": digest.hexdigest()})


def test_networks_come_back(model, content, tmp_path):
    """Kinds, weights and dependence are those that were saved; saving again gives the same bytes."""
    again = loaded(content, tmp_path)
    assert [network.digest for network in again.pretrained] == [
        network.digest for network in model.pretrained
    ]
    assert [network.kind for network in again.pretrained] == ["season_7", "prices"]
    assert [network.yearly for network in again.pretrained] == [True, False]
    again.save(tmp_path / "z.model")
    assert (tmp_path / "z.model").read_bytes() == content
    assert loaded(forged(content), tmp_path).pretrained[0].digest == model.pretrained[0].digest


def test_the_forecast_stays_when_the_package_has_other_weights(model, content, table, tmp_path, own_weights):
    """A later version with other networks forecasts an old model as before, to the last bit."""
    before = forecaster.predict(model, table)
    own_weights(stand_ins.write(tmp_path / "later", seed=9))
    assert load("season_7").digest != model.pretrained[0].digest
    pd.testing.assert_frame_equal(
        forecaster.predict(loaded(content, tmp_path), table), before, check_exact=True
    )
    other = dataclasses.replace(model, pretrained=(load("season_7"), load("prices")))
    assert not np.allclose(forecaster.predict(other, table)["forecast"], before["forecast"])


def test_the_forecast_stays_when_the_package_has_no_weights(
    model, content, table, tmp_path, own_weights, monkeypatch
):
    """Everything that a model needs is in its file."""
    before = forecaster.predict(model, table)
    own_weights(tmp_path / "nothing")
    monkeypatch.setattr("forecaster.pretraining.store.FOLDER", tmp_path / "nothing")
    pd.testing.assert_frame_equal(
        forecaster.predict(loaded(content, tmp_path), table), before, check_exact=True
    )


def test_the_card_names_the_weights(model):
    """`show` says which networks, by what identifies their weights, and their share."""
    card = model.card()
    assert card["pretrained"] == {"season_7": load("season_7").digest, "prices": load("prices").digest}
    assert card["blend"]["pretrained"] == 0.5
    assert "pretrained" not in dataclasses.replace(model, pretrained=()).card()


def first(values):
    return values["pretrained"][0]


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values.pop("pretrained"),
        lambda values: values.update(pretrained=[]),
        lambda values: values["pretrained"][0].update(yearly="yes"),
        lambda values: values["pretrained"].pop(0),
        lambda values: values["pretrained"].append(first(values)),
        lambda values: first(values).update(kind="season_4"),
        lambda values: first(values).update(kind="prices"),
        lambda values: first(values).update(kind="nothing"),
        lambda values: first(values).pop("kind"),
        lambda values: first(values)["design"].update(hidden=7),
        lambda values: first(values)["design"].update(hidden=10**9),
        lambda values: first(values)["design"].update(horizon=3),
        lambda values: first(values)["design"].update(gates=[0.1]),
        lambda values: first(values)["design"].update(median=False),
        lambda values: first(values)["design"].update(more=1),
        lambda values: values.update(pretrained={"kind": "season_7"}),
        lambda values: values.update(pretrained=3),
    ],
)
def test_a_damaged_description_is_refused(change, content, tmp_path):
    """The blend has what it names, each network once and of its kind."""
    with pytest.raises(ModelError, match=r"y\.model"):
        loaded(forged(content, change), tmp_path)


def without(name):
    return lambda arrays: {key: array for key, array in arrays.items() if key != name}


@pytest.mark.parametrize(
    "change",
    [
        without("pretrained.season_7.weights"),
        without("pretrained.season_7.dependence"),
        without("pretrained.prices.weights"),
        lambda arrays: (
            arrays | {"pretrained.season_7.weights": arrays["pretrained.season_7.weights"][1:].copy()}
        ),
        lambda arrays: (
            arrays | {"pretrained.season_7.weights": arrays["pretrained.season_7.weights"].astype(np.float32)}
        ),
        lambda arrays: arrays | {"pretrained.season_7.more": np.zeros(3)},
        lambda arrays: arrays | {"pretrained.season_4.weights": np.zeros(3, np.float16)},
        lambda arrays: (
            arrays | {"pretrained.season_7.weights": 0 * arrays["pretrained.season_7.weights"] + np.nan}
        ),
    ],
)
def test_damaged_weights_are_refused(change, content, tmp_path):
    """Sizes, types and names of all arrays fit, and there is none beside them."""
    with pytest.raises(ModelError, match=r"y\.model"):
        loaded(forged(content, arrays=change), tmp_path)


def test_a_network_of_another_season_does_not_serve(model, tmp_path):
    """A model of daily data with a monthly network alone is refused, before it forecasts anything."""
    dataclasses.replace(model, pretrained=(stand_in("season_12"),)).save(tmp_path / "z.model")
    with pytest.raises(ModelError, match="does not have"):
        Model.load(tmp_path / "z.model")


def test_without_pretrained_networks(table, tmp_path, own_weights, monkeypatch):
    """With pretrained=False nothing of them is read, used or stored."""
    own_weights(tmp_path)
    monkeypatch.setattr("forecaster.pretraining.store.FOLDER", tmp_path)
    with pytest.raises(ModelError, match="pretrained weights"):
        train(table, Options(**TINY))
    model = train(table, Options(**TINY, pretrained=False)).model
    assert model.pretrained == ()
    assert "pretrained" not in model.blend.components
    model.save(tmp_path / "z.model")
    assert not [
        name for name in load_arrays((tmp_path / "z.model").read_bytes()) if name.startswith("pretrained")
    ]
    assert Model.load(tmp_path / "z.model").options.pretrained is False


def test_a_short_table_counts_on_what_the_network_knows(table):
    """Where too little is known to validate, the prior gives the pretrained network its share."""
    short = table.iloc[:12]
    model = train(short, Options(**TINY)).model
    assert model.blend.weights["pretrained"] > 0.1
    assert [network.kind for network in model.pretrained] == ["season_7"]
    bare = train(short, Options(**TINY, pretrained=False)).model
    assert "pretrained" not in bare.blend.weights
    with_it, without_it = (forecaster.predict(each, short)["forecast"] for each in (model, bare))
    assert not np.allclose(with_it, without_it)


def test_a_network_without_weight_serves_the_intervals(table, tmp_path):
    """A model whose blend gives the pretrained network no weight carries it for its intervals."""
    model = train(table, Options(**TINY)).model
    assert "pretrained" not in model.blend.components, "else this tests nothing"
    assert model.distribution.network_share > 0
    assert [network.kind for network in model.pretrained] == ["season_7"]
    model.save(tmp_path / "x.model")
    assert Model.load(tmp_path / "x.model").distribution.network_share == model.distribution.network_share
    alone = dataclasses.replace(model.distribution, network_share=0.0)
    other = dataclasses.replace(model, distribution=alone)
    wide, own = (forecaster.predict(each, table) for each in (model, other))
    assert np.array_equal(wide["forecast"], own["forecast"])
    assert (wide["hi_80"] != own["hi_80"]).all()


def test_intervals_need_the_network_they_were_learned_with(model, table, tmp_path):
    """A file whose intervals need a network that it does not hold is refused; without the need it is read."""
    bare = train(table, Options(**TINY, pretrained=False)).model
    assert bare.distribution.network_share == 0 and not bare.pretrained
    bare.save(tmp_path / "x.model")
    content = (tmp_path / "x.model").read_bytes()
    assert loaded(content, tmp_path).distribution.network_share == 0
    with pytest.raises(ModelError, match="need a pretrained network"):
        loaded(forged(content, lambda values: values.update(network_share=0.5)), tmp_path)


def test_models_of_prices_alone_hold_one_network():
    """The intervals of prices are those of their network: nothing else is stored."""
    rng = np.random.default_rng(5)
    y = np.exp(np.cumsum(rng.normal(0, 0.01, 400)) + 4)
    prices = pd.DataFrame({"ds": pd.bdate_range("2022-01-03", periods=400), "close": y})
    model = train(prices, Options(**TINY)).model
    assert model.distribution.network_share == 0
    assert "pretrained" not in model.blend.components, "else this tests nothing"
    assert [network.kind for network in model.pretrained] == ["prices"]
