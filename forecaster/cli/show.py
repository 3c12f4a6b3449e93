"""forecast show: the card of a model."""

from __future__ import annotations

from typing import Annotated

import typer

from forecaster.cli.options import GENERAL, MODEL, Settings, accepts

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
    from forecaster.pretraining.store import card as pretrained_card
    from forecaster.report import terminal

    name = str(file or settings.model)
    card = pretrained_card() if name == PRETRAINED else Model.load(name).card()
    if settings.general.json:
        write_json(card)
    else:
        terminal.print_card(console(), card)
