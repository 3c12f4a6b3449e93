"""forecast rollback: bring back the model before."""

from __future__ import annotations

from datetime import UTC, datetime

from forecaster.cli.account import account
from forecaster.cli.log import stderr
from forecaster.cli.option_texts import GENERAL, LOCKING, MODEL
from forecaster.cli.options import Settings, accepts


@accepts(MODEL, LOCKING, GENERAL)
def rollback(settings: Settings) -> None:
    """\b
    $ forecast rollback

    Bring back the newest of the old models that --keep has kept; run it again for the one before that. The
    model that it replaces is renamed: MODEL.undone.
    """
    from forecaster.cli.streams import write_json
    from forecaster.data.writing.atomic import check_folder
    from forecaster.model.lock import lock
    from forecaster.model.old_models import roll_back

    path = settings.model
    check_folder(path)
    with lock(path, settings.general.wait, lambda holder: stderr.info(f"waiting for {holder}")):
        model, left, written = roll_back(path)
    account.uses(path)
    account.wrote(path)
    data = model.card()["data"]
    trained = datetime.fromtimestamp(written // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    facts = {"model": str(path), "trained": trained, "source": data["source"]}
    facts |= {"rows": data["rows"], "last": data["last"], "left": [old.name for old in left]}
    if settings.general.json:
        write_json("rollback-1", facts)
    stderr.info(
        f"{path} is now the model trained at {trained} on {data['source'] or 'a table in memory'}: "
        f"{data['rows']:,} rows up to {data['last']}; {len(left)} older left",
        **facts,
    )
