"""forecast show: the card of a model."""

from __future__ import annotations

from typing import Annotated

import typer

from forecaster.cli.account import account
from forecaster.cli.option_texts import GENERAL, MODEL
from forecaster.cli.options import Settings, accepts

ModelFile = Annotated[
    str | None, typer.Argument(metavar="[MODEL]", help="A model file, or pretrained. Default forecast.model.")
]


@accepts(MODEL, GENERAL)
def show(settings: Settings, file: ModelFile = None) -> None:
    """\b
    $ forecast show

    Show a model: its data, columns, settings, training, and errors on held-out data. `forecast show
    pretrained` tells of the networks that come with the program.
    """
    from forecaster.cli.streams import console, write_json
    from forecaster.model.model import Model
    from forecaster.pipeline.predict import PRETRAINED
    from forecaster.pipeline.staleness import ages
    from forecaster.pretraining.store import card as pretrained_card
    from forecaster.report import terminal

    name = file or settings.model
    if str(name) == PRETRAINED:
        card = pretrained_card()
    else:
        model = Model.load(name)
        card = model.card()
        card = {"data": card["data"], "age": ages(name, model)} | card
    account.uses(name)
    if settings.general.json:
        write_json("show-1", card)
    else:
        terminal.print_card(console(), card)
