"""forecast show: the card of a model."""

from __future__ import annotations

from typing import Annotated

import typer

from forecaster.cli.options import MODEL, SPEAKING, Given, accepts

ModelFile = Annotated[
    str | None, typer.Argument(metavar="[MODEL]", help="A model file. Default forecast.model.")
]


@accepts(MODEL, SPEAKING)
def show(given: Given, file: ModelFile = None) -> None:
    """\b
    $ forecast show

    Show what a model is: data, columns, settings, training, errors on data held out.
    """
    from forecaster.cli.output import console, write_json
    from forecaster.model.model import Model
    from forecaster.report import terminal

    card = Model.load(file or given.model).card()
    if given.general.json:
        write_json(card)
    else:
        terminal.print_card(console(), card)
