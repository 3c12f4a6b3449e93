"""Configuration to and from JSON."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecaster.config import (
    MemberConfig,
    NetworkConfig,
    Options,
    ReadConfig,
    TrainingConfig,
    from_json,
    to_json,
)
from forecaster.errors import UsageError

texts = st.text(max_size=8)
numbers = st.integers(min_value=1, max_value=60_000)
networks = st.builds(NetworkConfig, hidden=numbers, cell=st.sampled_from(["rnn", "gru", "lstm"]))
trainings = st.builds(TrainingConfig, rate=st.floats(1e-6, 1e6), unroll=st.none() | numbers)
KINDS = [
    st.builds(
        ReadConfig, time=st.none() | texts, target=st.none() | st.tuples(texts), na=st.tuples(texts, texts)
    ),
    st.builds(
        Options,
        horizon=st.none() | numbers,
        log=st.none() | st.booleans(),
        levels=st.tuples(st.integers(1, 99)),
    ),
    st.builds(
        MemberConfig,
        horizon=numbers,
        lookback=numbers.map(lambda steps: 3 * steps),
        segment=st.sampled_from([1, 3]),
        seasons=st.tuples(numbers),
        phases=st.tuples(numbers),
        seed=numbers,
        network=networks,
        training=trainings,
    ),
]


@given(st.one_of(KINDS))
def test_json_round_trip(config: ReadConfig | Options | MemberConfig) -> None:
    """A configuration written as JSON text and read again is the same, tuples and nested parts included."""
    assert from_json(type(config), json.loads(json.dumps(to_json(config)))) == config


@pytest.mark.parametrize("kind", [ReadConfig, Options, NetworkConfig, TrainingConfig])
def test_an_empty_object_gives_the_defaults(kind: type) -> None:
    """A setting that is not set keeps its default."""
    assert from_json(kind, {}) == kind()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("horizon", "24"),
        ("horizon", 24.0),
        ("horizon", True),
        ("horizon", [24]),
        ("log", 1),
        ("log", "yes"),
        ("rate", "fast"),
        ("rate", True),
        ("clip", None),
        ("cell", "transformer"),
        ("cell", 3),
        ("levels", 80),
        ("levels", ["80"]),
        ("levels", "80"),
        ("seed", None),
    ],
)
def test_an_ill_typed_value_is_refused(name: str, value: object) -> None:
    """A value of another type is an error that names the setting and the value."""
    with pytest.raises(UsageError) as caught:
        from_json(Options, {name: value})
    assert name in caught.value.message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, 0) for name in ("horizon", "lookback", "segment", "hidden", "layers", "members", "steps")),
        *((name, -1) for name in ("batch", "unroll", "workers", "patience", "seed", "clip", "weight_decay")),
        ("layers", 101),
        ("dropout", 1.0),
        ("rate", 0.0),
        ("rate", float("nan")),
        ("quantile", 1.0),
        ("levels", (80, 100)),
        ("levels", (0,)),
        ("levels", ()),
        ("seasons", (7, 0)),
    ],
)
def test_a_number_out_of_range_is_refused(name: str, value: object) -> None:
    """A number out of range is an error that names the setting, the number and the range."""
    with pytest.raises(UsageError, match=f"{name} cannot be ") as caught:
        from_json(Options, {name: value})
    assert caught.value.hint.startswith("Give ")


@pytest.mark.parametrize(
    ("kind", "name"),
    [(NetworkConfig, "hidden"), (NetworkConfig, "outputs"), (TrainingConfig, "batch"), (Options, "workers")],
)
def test_every_configuration_checks_its_ranges(kind: type, name: str) -> None:
    """The ranges apply in every configuration, from Python and from a file."""
    kind(**{name: 1})
    with pytest.raises(UsageError, match=f"{name} cannot be 0"):
        kind(**{name: 0})


def test_a_lookback_is_whole_segments() -> None:
    """A member whose lookback is not a multiple of its segment is refused."""
    whole = MemberConfig(2, 12, 4, False, (), False, (), 0, NetworkConfig(), TrainingConfig())
    with pytest.raises(UsageError, match="not a multiple of segment 5"):
        dataclasses.replace(whole, segment=5)
    with pytest.raises(UsageError, match="segment cannot be 0"):
        dataclasses.replace(whole, segment=0)


def test_a_whole_number_will_do_for_a_float() -> None:
    """JSON writes 1.0 as 1; the field is still a float."""
    clip = from_json(Options, {"clip": 1}).clip
    assert (clip, type(clip)) == (1.0, float)


def test_an_unknown_setting_is_refused() -> None:
    """An unknown setting is an error that lists the known ones."""
    with pytest.raises(UsageError) as caught:
        from_json(Options, {"horizn": 3})
    assert "'horizn'" in caught.value.message
    assert "horizon" in caught.value.hint


def test_a_wrong_choice_names_the_right_ones() -> None:
    """The error for a word outside the choices lists them."""
    with pytest.raises(UsageError) as caught:
        from_json(Options, {"cell": "transformer"})
    assert "rnn, gru, lstm" in caught.value.hint


def test_a_missing_field_is_refused() -> None:
    """A field without a default is required."""
    with pytest.raises(UsageError) as caught:
        from_json(MemberConfig, {"horizon": 1})
    assert "lookback" in caught.value.message


@pytest.mark.parametrize("kind", [ReadConfig, Options, NetworkConfig, TrainingConfig, MemberConfig])
def test_configurations_are_frozen(kind: type) -> None:
    """A configuration cannot be changed."""
    assert kind.__dataclass_params__.frozen
    assert dataclasses.is_dataclass(kind)
