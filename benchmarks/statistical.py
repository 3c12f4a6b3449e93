"""One of statsforecast's methods on one data set; run by `accuracy.py` in a Python that has statsforecast.

python statistical.py TRAIN.parquet OUT.parquet METHOD SEASON HORIZON
"""

import json
import sys
import time

import pandas as pd


def main() -> None:
    from statsforecast import models

    train, out, method, season, horizon = *sys.argv[1:4], int(sys.argv[4]), int(sys.argv[5])
    table = pd.read_parquet(train)
    model = getattr(models, method)(season_length=season)
    compiled(model)
    from statsforecast import StatsForecast

    start = time.perf_counter()
    # Rows are counted, not dated: nominal dates then play no part.
    numbered = table.assign(ds=table.groupby("unique_id").cumcount() + 1)
    found = StatsForecast(models=[model], freq=1, n_jobs=-1).forecast(df=numbered, h=horizon)
    print(json.dumps({"seconds": time.perf_counter() - start}))
    found.rename(columns={method: "forecast"})[["unique_id", "ds", "forecast"]].to_parquet(out)


def compiled(model) -> None:
    """Run the method once, so that compiling is not counted."""
    import numpy as np

    model.forecast(y=np.arange(60.0) % 5 + np.arange(60) + 10, h=3)


if __name__ == "__main__":
    main()
