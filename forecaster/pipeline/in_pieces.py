"""Predict in pieces: a data set larger than memory in, a data set of forecasts out, which survives a kill.

A first pass over the ids finds where series begin; where their rows are apart, they are first brought
together. Then each piece, of some 500,000 rows of whole series, is read, forecast and written by a worker of
an engine. What is decided for a table as a whole, such as its frequency, is seen in the first piece and holds
for all.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from forecaster.config import Options, ReadConfig, limits_of, to_json
from forecaster.data.findings import Finding, enforce, info, merged, of_plain, repair
from forecaster.data.labels import listed, times_as_strings
from forecaster.data.load import Loaded, absolute, load
from forecaster.data.pieces.columns import columns_used
from forecaster.data.pieces.files import SourceFile, files_of, fingerprint
from forecaster.data.pieces.ids import id_columns
from forecaster.data.pieces.piece import Piece, read_piece
from forecaster.data.pieces.scatter import scatter
from forecaster.data.pieces.survey import survey
from forecaster.data.storage.place import Place, Remote, at_home
from forecaster.data.writing import data_set
from forecaster.errors import DataError, MemoryLimitError, UsageError
from forecaster.evaluation.backtest import usual_horizon
from forecaster.forecasting.forecast import Forecast
from forecaster.model.lock import Use, lock
from forecaster.model.model import Model
from forecaster.pipeline.engines.engine import Engine
from forecaster.pipeline.predict import by_model, by_pretrained, load_for, read_as
from forecaster.pipeline.staleness import check_newest, check_noted, newest, newest_row, older_series

PIECE_ROWS = 500_000
SMALLER = "Or make smaller pieces: --piece-rows."
SCATTERED = "scattered.json"
FORECASTING = "forecasting"
WRITING = Use("is writing", "name another folder")

LEFT_OUT = {
    "E007": repair("V004", "series without any value", count=1, action="left out"),
    "E008": info("S005", "series of fewer rows than the model looks back on", action="left out, as asked"),
}
"""Errors that say that no series can be forecast, and what is said instead where other pieces have some."""

Step = Callable[[str, int, int], None]
"""Called with what is being done ("looking at ids", ...), and how much of how many."""


@dataclass(frozen=True)
class Asked:
    """What is to be forecast, and how."""

    model: Model | None
    """None: the pretrained networks."""
    model_digest: str
    options: Options
    """Of the pretrained networks: horizon, levels, quantiles, limits."""
    horizon: int | None = None
    levels: tuple[int, ...] | None = None
    quantiles: tuple[float, ...] | None = None
    """None: those of the model."""
    skip_short: bool = False
    max_age: str | None = None


@dataclass(frozen=True)
class Written:
    """The data set that was written."""

    folder: str
    rows: int
    """Forecasts: series × steps."""
    series: int
    read: int
    """Rows of the source."""
    pieces: int
    before: int
    """Pieces that an earlier run had done."""
    findings: tuple[Finding, ...]
    source: str
    frequency: str
    newest: str
    """The newest row of all series, as the user writes times."""


@dataclass(frozen=True)
class _Job:
    """What every worker needs."""

    asked: Asked
    read: ReadConfig
    columns: tuple[str, ...]
    folder: Place
    now: int
    agreed: bool
    """Whether the frequency is that of the first piece, and not named by the user."""


def predict_in_pieces(
    source: str | Path,
    folder: str | Path | Remote,
    asked: Asked,
    engine: Engine,
    read: ReadConfig = ReadConfig(),
    *,
    piece_rows: int = PIECE_ROWS,
    on_step: Step | None = None,
) -> Written:
    """Forecast each series of the Parquet data set `source`, piece by piece, into the data set `folder`.

    The same call goes on after a kill, and does nothing where all is done. Raises UsageError for what needs
    all series at once, StorageError where the folder holds something else, and the errors of `predict`.
    """
    tell = on_step or (lambda *_: None)
    if read.hierarchy:
        raise UsageError(
            "the sums of a hierarchy need all series at once", hint="Write one file: -o FILE.parquet."
        )
    files = files_of(source)
    config = read if asked.model is None else read_as(asked.model, source, read)
    config, columns, noticed = columns_used(files, config)
    if config.layout not in ("long", "files"):
        raise DataError(
            f"{files[0].name} has no column that names the series, and a data set in pieces needs one",
            hint="Name it: --id COLUMN. A single series or a wide table: -o FILE.parquet, not a folder.",
        )
    place = at_home(folder)
    place = place.absolute() if isinstance(place, Path) else place  # workers may be elsewhere
    run = _identity(files, asked, config, piece_rows)
    if data_set.is_complete(place, run):
        manifest = data_set.manifest_of(place)
        newest_noted = max(file["newest"] for file in manifest["files"])
        check_noted(newest_noted, manifest["newest"], asked.max_age)  # it may have grown old since then
        return _written(place, manifest, manifest["pieces"])
    with lock(place / data_set.WORK / data_set.RUN, use=WRITING):
        parts = data_set.begin(place, run)
        before = len(parts)
        pieces = _pieces(files, config, columns, place, piece_rows, tell)
        first = _first(pieces, asked, config, columns)
        agreed = not (config.freq or config.every or config.calendar)
        if asked.model is None:
            horizon = asked.options.horizon or usual_horizon(first.panel)
            asked = dataclasses.replace(asked, options=dataclasses.replace(asked.options, horizon=horizon))
        job = _Job(asked, first.read, columns, place, time.time_ns(), agreed)
        tell(FORECASTING, before, len(pieces))
        left = [piece for piece in pieces if piece.number not in parts]
        with _advising_smaller_pieces():
            for _, part in engine.map(_forecast_piece, job, left):
                parts[part.piece] = part
                tell(FORECASTING, len(parts), len(pieces))
        return _finished(place, run, parts, (absolute(source), tuple(noticed), first), asked, before)


@contextmanager
def _advising_smaller_pieces() -> Iterator[None]:
    """What an engine advises where memory runs out, and what this command can do besides."""
    try:
        yield
    except MemoryLimitError as error:
        raise MemoryLimitError(error.message, hint=f"{error.hint} {SMALLER}".strip()) from error


def _identity(
    files: tuple[SourceFile, ...], asked: Asked, read: ReadConfig, piece_rows: int
) -> dict[str, Any]:
    """What tells one run from another, in the words of the message that says so.

    --max-age is no part of it: who gives another after a StaleError keeps what was done.
    """
    names = ("horizon", "levels", "quantiles", "skip_short")
    options = {name: getattr(asked, name) for name in names}
    if asked.model is None:
        chosen = ("horizon", "levels", "quantiles", "lower", "upper", "integer", "circular")
        options |= {name: getattr(asked.options, name) for name in chosen}
    return {
        "source": fingerprint(files),
        "model": asked.model_digest,
        "setting of the forecast": options,
        "way of reading": to_json(read),
        "size of pieces": piece_rows,
        "version of forecast": version("forecaster"),
    }


def _pieces(
    files: tuple[SourceFile, ...],
    config: ReadConfig,
    columns: tuple[str, ...],
    folder: Place,
    piece_rows: int,
    tell: Step,
) -> tuple[Piece, ...]:
    """The pieces; rows that are apart are brought together, unless an earlier run has done it."""
    scattered = data_set.noted(folder, SCATTERED)
    if scattered is not None:
        paths = tuple(folder / data_set.WORK / name for name in scattered["files"])
        return tuple(Piece(number, scattered=paths) for number in range(scattered["pieces"]))
    found = survey(files, config.id, piece_rows, lambda done, rows: tell("looking at the ids", done, rows))
    if found.pieces is not None:
        return found.pieces
    assert config.id is not None  # files that are series are in order
    pieces = scatter(
        files,
        config.id,
        tuple(dict.fromkeys([*columns, *id_columns(files[0].columns, config.id)])),
        piece_rows,
        folder / data_set.WORK,
        lambda done, rows: tell("bringing the rows of each series together", done, rows),
    )
    data_set.note(
        folder, SCATTERED, {"files": [path.name for path in pieces[0].scattered], "pieces": len(pieces)}
    )
    return pieces


def _first(pieces: Sequence[Piece], asked: Asked, config: ReadConfig, columns: tuple[str, ...]) -> Loaded:
    """What the first piece shows: the frequency, and all else that is inferred once for all pieces.

    That is the first in which a series has a value. Raises DataError where there is none.
    """
    empty: DataError | None = None
    for piece in pieces:
        table = read_piece(piece, columns)
        if table is None:
            continue
        try:
            loaded = _loaded(table, asked, config)
        except DataError as error:
            if error.code not in LEFT_OUT:
                raise
            empty = empty or error
            continue
        if asked.model is not None:
            asked.model.check_fits(loaded.panel)
        return loaded
    assert empty is not None  # some file has a row
    raise empty


def _loaded(table: Any, asked: Asked, config: ReadConfig, *, agreed: bool = False) -> Loaded:
    if asked.model is None:
        return load(table, config, limits=limits_of(asked.options), agreed=agreed)
    return load_for(asked.model, table, config, agreed=agreed)


def _forecast(asked: Asked, loaded: Loaded) -> Forecast:
    if asked.model is None:
        return by_pretrained(loaded, asked.options)
    return by_model(
        asked.model, loaded, asked.horizon, asked.levels, asked.quantiles, skip_short=asked.skip_short
    )


def _forecast_piece(job: _Job, piece: Piece) -> data_set.Part:
    """The work of a worker: read, forecast and write one piece."""
    table = read_piece(piece, job.columns)
    facts: dict[str, Any] = {"series": 0, "read": 0}
    findings: list[Finding] = []
    frame = None
    if table is not None:
        facts["read"] = table.rows
        try:
            loaded = _loaded(table, job.asked, job.read, agreed=job.agreed)
            del table  # its memory serves the forecast
            found = newest_row(loaded.panel, job.now)
            facts["newest"] = found.row
            findings += [*loaded.findings, *older_series(loaded.panel, found, job.asked.max_age)]
            forecast = _forecast(job.asked, loaded)
            panel, frame = forecast.panel, forecast.to_frame()
            facts |= {"series": len(panel), "first": panel.ids[0], "last": panel.ids[-1]}
            findings += forecast.findings
        except DataError as error:
            findings.append(_left_out(error, strict=job.read.strict))
    facts["findings"] = [dataclasses.asdict(finding) for finding in findings]
    return data_set.write_part(job.folder, piece.number, frame, facts)


def _left_out(error: DataError, *, strict: bool) -> Finding:
    """What is said of a piece that has no series to be forecast. Raises other errors."""
    if error.code not in LEFT_OUT:
        raise error
    finding, more = LEFT_OUT[error.code], error.count - len(error.places)
    names = listed(error.places) + (f" and {more:,} more" if more else "")
    finding = dataclasses.replace(finding, message=f"{finding.message}: {names}", count=error.count)
    enforce([finding], strict=strict)
    return finding


def _finished(
    folder: Place,
    run: dict[str, Any],
    parts: dict[int, data_set.Part],
    seen: tuple[str, tuple[Finding, ...], Loaded],
    asked: Asked,
    before: int,
) -> Written:
    """Write the manifest, unless the newest row of all is too old, which is a StaleError."""
    source, noticed, first = seen
    if not any(part.rows for part in parts.values()):
        raise DataError(
            "no series is as long as what the model looks back on",
            hint="Leave --skip-short out: each series is forecast from the rows it has.",
            code="E008",
        )
    newest_of_all = max(part.facts["newest"] for part in parts.values() if "newest" in part.facts)
    panel = first.panel
    old = check_newest(newest(newest_of_all, panel.frequency, panel.names), asked.max_age)
    of_pieces = [[of_plain(each) for each in parts[piece].facts["findings"]] for piece in sorted(parts)]
    findings = merged([[*noticed, *old], *of_pieces])
    facts = {
        "source": source,
        "frequency": panel.frequency.alias,
        "newest": times_as_strings(np.array([newest_of_all]), panel.names)[0],
        **{name: sum(part.facts[name] for part in parts.values()) for name in ("series", "read")},
        "rows": sum(part.rows for part in parts.values()),
        "pieces": len(parts),
        "findings": [dataclasses.asdict(finding) for finding in findings],
    }
    data_set.finish(folder, run, parts, facts)
    return _written(folder, facts, before)


def _written(folder: Place, facts: Mapping[str, Any], before: int) -> Written:
    findings = tuple(of_plain(each) for each in facts["findings"])
    same = ("rows", "series", "read", "pieces", "source", "frequency", "newest")
    return Written(str(folder), before=before, findings=findings, **{name: facts[name] for name in same})
