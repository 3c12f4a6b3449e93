"""Recurrent cells: `CELLS` lists them, `base` says what a cell is. docs/architecture.md: how to add one."""

from forecaster.nn.cells.base import Cell
from forecaster.nn.cells.gru import GRU
from forecaster.nn.cells.lstm import LSTM
from forecaster.nn.cells.rnn import RNN

CELLS: dict[str, type[Cell]] = {"rnn": RNN, "gru": GRU, "lstm": LSTM}
"""The cells by the name that users give. `forecaster.config.Cell` repeats the names, as it loads no NumPy."""
