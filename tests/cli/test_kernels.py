"""--kernels, FORECAST_KERNELS and the key of forecast.toml; and which kernels a model remembers."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command import ROOT, daily, forecast
from jsonschema import Draft202012Validator

import forecaster
from forecaster.model.model import Model
from forecaster.nn.compiled_layer import FORMS, SWITCH, forms

compiled = pytest.mark.skipif(not forms(), reason="there are no compiled kernels here")
TRAIN = ("train", "data.csv", "-m")
PROCESSES = {"FORECAST_MEMBERS": "2", "FORECAST_STEPS": "260", "FORECAST_WORKERS": "2"}
"""Enough work for worker processes."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A model by NumPy and one by each form of this processor, chosen by the flag against the variable."""
    folder = tmp_path_factory.mktemp("kernels")
    (folder / "data.csv").write_text(daily())
    trained = {}
    for kernels in ("numpy", *forms()):
        other = "compiled" if kernels == "numpy" and forms() else "numpy"
        name = f"{kernels}.model"
        done = forecast(*TRAIN, name, "--kernels", kernels, cwd=folder, FORECAST_KERNELS=other, **PROCESSES)
        assert done.returncode == 0, done.stderr
        trained[kernels] = folder / name
    return trained


def weights(file: Path) -> bytes:
    """The weights of all networks of a model."""
    return b"".join(member.network.flat.tobytes() for member in Model.load(file).members)


def recorded(file: Path) -> str:
    return Model.load(file).card()["versions"]["kernels"]


@compiled
def test_the_flag_beats_the_variable_in_worker_processes_too(models: dict[str, Path]) -> None:
    """NumPy and compiled kernels round otherwise, so the weights tell who trained; so does the card."""
    assert recorded(models["numpy"]) == "NumPy"
    for form in forms():
        assert recorded(models[form]) == f"compiled ({FORMS[form]})"
    assert weights(models["numpy"]) != weights(models[forms()[0]])


@compiled
def test_all_forms_train_the_same_networks(models: dict[str, Path]) -> None:
    """Every instruction set gives the same bytes."""
    assert len({weights(models[form]) for form in forms()}) == 1


def test_the_variable_chooses_as_the_flag_does(models: dict[str, Path], tmp_path: Path) -> None:
    """The same bytes, here with threads and there with processes."""
    (tmp_path / "data.csv").write_text(daily())
    changes = PROCESSES | {"FORECAST_WORKERS": "1", "FORECAST_KERNELS": "numpy"}
    done = forecast(*TRAIN, "m.model", cwd=tmp_path, **changes)
    assert done.returncode == 0, done.stderr
    assert weights(tmp_path / "m.model") == weights(models["numpy"])


def test_the_file_of_settings_chooses_too(tmp_path: Path) -> None:
    """The key has the name of the flag."""
    (tmp_path / "data.csv").write_text(daily())
    (tmp_path / "forecast.toml").write_text('kernels = "numpy"\n')
    done = forecast(*TRAIN, "m.model", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert recorded(tmp_path / "m.model") == "NumPy"


def test_kernels_that_do_not_run_here_are_an_error_whose_hint_works(
    models: dict[str, Path], tmp_path: Path
) -> None:
    """By flag or by variable; the hint is typed as it is printed."""
    (tmp_path / "data.csv").write_text(daily())
    absent = next(name for name in FORMS if name not in forms())
    command = ("predict", "data.csv", "-m", models["numpy"])
    for flags, changes in ((("--kernels", absent), {}), ((), {"FORECAST_KERNELS": absent})):
        refused = forecast(*command, *flags, cwd=tmp_path, **changes)
        assert refused.returncode == 2
        assert f"no {absent} kernels here" in refused.stderr
        hint = re.search(r"Give (--kernels \w+)\.", refused.stderr)
        assert hint
        assert forecast(*command, *hint[1].split(), cwd=tmp_path, **changes).returncode == 0


def test_a_misspelt_variable_is_an_error(models: dict[str, Path], tmp_path: Path) -> None:
    """It is not taken for the default."""
    (tmp_path / "data.csv").write_text(daily())
    refused = forecast("predict", "data.csv", "-m", models["numpy"], cwd=tmp_path, FORECAST_KERNELS="nunpy")
    assert refused.returncode == 2
    assert "kernels cannot be 'nunpy'" in refused.stderr


def test_show_tells_which_kernels_trained(models: dict[str, Path], tmp_path: Path) -> None:
    """On the terminal and as JSON; of a model that does not say, it says so."""
    schema = Draft202012Validator(json.loads((ROOT / "docs" / "schemas" / "show-1.json").read_text()))
    old = ROOT / "tests" / "data" / "written_before" / "gru.model"
    for model, expected in ((models["numpy"], "NumPy"), (old, "not recorded")):
        card = json.loads(forecast("show", model, "--json", cwd=tmp_path).stdout)
        schema.validate(card)
        assert card["versions"]["kernels"] == expected
    assert re.search(r"kernels\s+not recorded", forecast("show", old, cwd=tmp_path).stdout)


@compiled
def test_models_forecast_with_any_kernels(models: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Forecasts by NumPy and by compiled kernels agree to 1e-5, whoever trained; all forms give the same.

    Trainings go apart, but not far.
    """
    trained = []
    data = pd.read_csv(io.StringIO(daily()))
    for model in (models["numpy"], models[forms()[0]]):
        tables = {}
        for kernels in models:
            monkeypatch.setenv(SWITCH, kernels)
            tables[kernels] = forecaster.predict(Model.load(model), data).select_dtypes("number").to_numpy()
        assert len({tables[form].tobytes() for form in forms()}) == 1
        np.testing.assert_allclose(tables[forms()[0]], tables["numpy"], rtol=1e-5)
        trained.append(tables["numpy"])
    np.testing.assert_allclose(trained[0], trained[1], rtol=0.05)
