"""forecast predict -o FOLDER/: forecasts of a data set larger than memory, piece by piece."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from forecaster.cli.account import account, digest_of
from forecaster.cli.log import stderr
from forecaster.errors import UsageError

if TYPE_CHECKING:
    from forecaster.cli.options import Settings
    from forecaster.pipeline.in_pieces import Asked, Step, Written


def is_folder(output: str) -> bool:
    """Whether -o names a folder for a data set."""
    return output.endswith("/")


def predict_in_pieces(
    data: str | None, folder: str, settings: Settings, others: Mapping[str, object]
) -> None:
    """Forecast, and say what was written. `others`: options that need all series, with values."""
    from forecaster.cli.progress import progress
    from forecaster.pipeline import in_pieces
    from forecaster.pipeline.engines.named import engine_named

    _check(data, settings, others)
    asked = _asked(settings)
    engine = engine_named(settings.general.engine, settings.options.workers)
    with progress(stderr) as shown, _going_on_is_possible(folder, shown.step) as step:
        written = in_pieces.predict_in_pieces(
            str(data),
            folder,
            asked,
            engine,
            settings.read,
            piece_rows=settings.general.piece_rows,
            on_step=step,
        )
    _report(written, folder)


@contextmanager
def _going_on_is_possible(folder: str, on_step: Step) -> Iterator[Step]:
    """Say so where a run is interrupted after it has begun to write. Workers write parts, so the folder is
    what was written."""
    from forecaster.data.storage.place import at_home
    from forecaster.data.writing.atomic import WRITTEN

    begun = False

    def step(doing: str, done: int, of: int) -> None:
        nonlocal begun
        begun = True
        on_step(doing, done, of)

    try:
        yield step
    except (KeyboardInterrupt, SystemExit):
        if begun:
            place = at_home(folder)
            inside = str(place).rstrip("/") + "/"
            WRITTEN[:] = [each for each in WRITTEN if not str(each).startswith(inside)] + [place]
            stderr.info("the same command goes on with the parts that are there")
        raise


def _check(data: str | None, settings: Settings, others: Mapping[str, object]) -> None:
    general = settings.general
    alone = {"--samples": general.samples, "--future": general.future, "--json": general.json, **others}
    given = [name for name, value in alone.items() if value]
    if given:
        raise UsageError(
            f"{given[0]} needs all series at once, and -o FOLDER/ forecasts them piece by piece",
            hint="Name a file: -o FILE.parquet.",
        )
    if data is None or data == "-":
        raise UsageError(
            "a data set in pieces is read more than once, and needs a name",
            hint="Name it: `forecast predict DATA/ -o FOLDER/`.",
        )


def _asked(settings: Settings) -> Asked:
    from forecaster.model.model import Model
    from forecaster.pipeline.in_pieces import Asked
    from forecaster.pipeline.predict import PRETRAINED
    from forecaster.pipeline.staleness import check_model

    options, general = settings.options, settings.general
    account.uses(settings.general.model or settings.model)
    if general.model == PRETRAINED:
        if general.skip_short:
            raise UsageError("--skip-short needs a trained model: pretrained networks forecast any length")
        return Asked(None, PRETRAINED, options, max_age=general.max_age)
    from forecaster.cli.forecasts import check_limits

    model = Model.load(settings.model)
    check_model(settings.model, general.max_model_age)
    check_limits(settings, model)
    return Asked(
        model,
        digest_of(settings.model),
        options,
        horizon=options.horizon,
        levels=options.levels if "levels" in settings.explicit else None,
        quantiles=options.quantiles if "quantiles" in settings.explicit else None,
        skip_short=general.skip_short,
        max_age=general.max_age,
    )


def _report(written: Written, folder: str) -> None:
    from forecaster.cli.forecasts import LOGGED
    from forecaster.data.storage.place import at_home
    from forecaster.data.writing.data_set import MANIFEST

    account.source = {
        "name": written.source,
        "sha256": None,  # its files are told by their sizes and times
        "frequency": written.frequency,
        "series": written.series,
        "rows": written.read,
        "newest": written.newest,
    }
    account.found(written.findings)
    for finding in written.findings:
        if finding.severity == "repair" or finding.code in LOGGED:
            stderr.finding(finding)
    account.wrote(at_home(folder) / MANIFEST)
    name = at_home(folder)
    if written.before == written.pieces:
        text = f"{name} is complete already: an earlier run has written it"
    else:
        earlier = f", {written.before:,} of them by an earlier run" if written.before else ""
        made = f"wrote {written.rows:,} forecasts of {written.series:,} series to {name}"
        text = f"{made}: {written.pieces:,} piece{'s' * (written.pieces > 1)}{earlier}"
    stderr.info(text, output=written.folder)
