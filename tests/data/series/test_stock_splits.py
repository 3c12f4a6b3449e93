"""Stock splits: prices that are adjusted for them already have none."""

from pathlib import Path

import pandas as pd
import pytest
from shares import prices

from forecaster.config import ReadConfig
from forecaster.data.load import Loaded, load
from forecaster.data.series.stock_splits import is_adjusted

STOCKS = Path(__file__).parents[3] / "sample_data" / "stocks.csv"


def splits(loaded: Loaded) -> list[int]:
    """How many splits were reported or undone."""
    return [finding.count for finding in loaded.findings if finding.code in ("P001", "P002")]


def test_a_fall_of_an_adjusted_close() -> None:
    """AAPL lost 52 % on 2000-09-29, which was no split: the sample's `adj_close` has none."""
    assert splits(load(STOCKS)) == []


@pytest.mark.parametrize("adjust", [False, True])
@pytest.mark.parametrize(
    ("name", "count"),
    [("close", [1]), ("adj_close", []), ("Adj Close", []), ("Bereinigter Schlusskurs", [])],
)
def test_a_jump_of_an_adjusted_price(name: str, count: list[int], adjust: bool) -> None:
    """The same jump is a split of a price as paid, and stays as it is in an adjusted one."""
    frame = prices(2).rename(columns={"close": name})
    loaded = load(frame, ReadConfig(adjust_splits=adjust))
    assert splits(loaded) == count
    if not count:
        assert loaded.panel.target.tolist() == frame[name].tolist()


def test_adjusted_prices_beside_others() -> None:
    """Of a wide table, or of prices named in a column, only those that are not adjusted have splits."""
    wide = prices(2).assign(**{"AAPL Adj Close": lambda table: table["close"]})
    assert splits(load(wide, ReadConfig(target=("close", "AAPL Adj Close")))) == [1]
    long = wide.melt(id_vars="date", var_name="symbol", value_name="value")
    assert splits(load(long)) == [1]
    symbols = pd.concat([prices(2).assign(symbol=symbol) for symbol in ("ADJ", "MSFT")])
    assert splits(load(symbols)) == [2]


@pytest.mark.parametrize(
    "name",
    ["adj_close", "AdjClose", "adjclose", "5. adjusted close", "Adj Close**", "<adjClose>", "Close (adj.)",
     "AAPL_adj_close", "adjHigh", "Adj. Schlusskurs", "Splitbereinigter Kurs", "Clôture ajustée",
     "Cierre ajustado", "Chiusura rettificata", "Fechamento Ajustado", "Aangepaste slotkoers",
     "Skorygowana cena", "Скорректированная цена"],
)  # fmt: skip
def test_names_that_say_adjusted(name: str) -> None:
    """In each language whose columns are known, in words or short."""
    assert is_adjusted(name)


@pytest.mark.parametrize(
    "name",
    ["close", "ADJ", "ADJ.DE", "adjacent price", "unadjusted close", "not adjusted", "Close (non-adjusted)",
     "unAdjusted", "nicht bereinigt", "unbereinigt", "precio sin ajustar", "preço de ajuste",
     "cours non ajusté", "нескорректированная цена"],
)  # fmt: skip
def test_names_that_do_not(name: str) -> None:
    """A symbol, a settlement price, or a price that is said not to be adjusted."""
    assert not is_adjusted(name)
