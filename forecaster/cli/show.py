"""forecast show: the card of a model."""

from __future__ import annotations

from typing import Annotated

import typer

from forecaster.cli.options import GENERAL, MODEL, Settings, accepts

ModelFile = Annotated[
    str | None, typer.Argument(metavar="[MODEL]", help="A model file. Default forecast.model.")
]


@accepts(MODEL, GENERAL)
def show(settings: Settings, file: ModelFile = None) -> None:
    """\b
    $ forecast show

    Show a model: its data, columns, settings, training, and errors on held-out data.
    """
    from forecaster.cli.streams import console, write_json
    from forecaster.model.model import Model
    from forecaster.report import terminal

    card = Model.load(file or settings.model).card()
    if settings.general.json:
        write_json(card)
    else:
        terminal.print_card(console(), card)
