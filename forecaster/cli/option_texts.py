"""What the help says of each setting, by the part of a command that needs it."""

from __future__ import annotations

CONFIG_FILE = "forecast.toml"
MODEL_FILE = "forecast.model"
COLUMNS = {
    "time": "Column of timestamps.",
    "id": "Column that identifies the series.",
    "target": "Column to forecast. In a wide table: several, each a series.",
    "covariates": "Columns whose past helps; their future is unknown.",
    "known": "Columns whose future is known: rows after the last target value. Default: those that go on.",
    "static": "Columns with one value for each series, such as the type of a store.",
    "hierarchy": "Columns such as region,store, or one of ids such as north/shop: forecast their sums too.",
    "layout": "What is a series: the table, each id, each column or each file. across: columns are times.",
    "freq": "Frequency of the rows: h, 30min, D, B, W-SUN, MS, ME, QS, YS ...",
}
AHEAD = {"future": "Table of values of --known after the end of DATA: times, ids if any, the columns."}
READING = {
    "known_fill": "What stands for values of --known that are missing in the future. Default: an error.",
    "every": "Resample irregular readings to a grid, such as 5min.",
    "agg": "How to combine the readings of one step. With --every: mean.",
    "max_gap": "Longest gap that is filled: rows, a duration such as 2h, or any. Default: two seasons.",
    "calendar": "Exchange whose trading days to use, such as XNYS.",
    "holidays": "Countries or regions whose public holidays are known, such as DE-BY,FR.",
    "events": "Table of events, such as promotions: date (or start and end), name, and an id if any.",
    "positions": "Whether positions in week, month and year are known. Default: beside other known columns.",
    "adjust_splits": "Adjust prices before a jump that looks like a stock split.",
    "difference": "Forecast the rate of a counter: the difference to the row before.",
    "delimiter": "Delimiter between cells.",
    "encoding": "Encoding of the text, such as latin-1.",
    "max_bytes": "Most bytes that a .gz or Parquet file may unpack to. Default: a multiple of its size.",
    "quote": "Quote character around cells.",
    "escape": "Escape character before a quote in a cell.",
    "header": "Whether the first line holds the column names.",
    "skip": "Lines above the table to skip.",
    "skip_end": "Lines below the table to skip.",
    "decimal": "Decimal mark, such as a comma.",
    "thousands": "Thousands separator.",
    "strip": "Characters to remove from numbers, such as $ or %.",
    "na": "Further words that mean a missing value.",
    "date_format": "Format of timestamps, such as %d.%m.%Y.",
    "start": "Time of the first row, if no column holds times; with --freq.",
    "time_unit": "The time column counts these from --start, or from 1970.",
    "hours": "How a column of hours numbers them: 1-24 where the first hour of a day is 1.",
    "tz": "Time zone of timestamps that have none.",
    "duplicates": "What to do with duplicate timestamps of a series.",
    "bad_rows": "What to do with rows that cannot be read.",
    "strict": "Treat every repair as an error.",
}
FORECASTING = {
    "horizon": "Rows to forecast.",
    "effort": "Training time: normal takes up to about 5 times and best up to 30 times as long as quick.",
    "reconcile": "How forecasts of a hierarchy add up: by minimum trace, or as sums of the bottom ones.",
    "levels": "Coverage of the prediction intervals, in percent.",
    "quantiles": "Quantiles to forecast in addition, such as 0.1,0.5,0.9.",
    "lower": "Smallest possible value. Default: learned from each series.",
    "upper": "Largest possible value. Default: learned from each series.",
    "integer": "Whether values are whole numbers. Default: learned from each series.",
    "circular": "Values wrap around from X to 0, such as 360 for directions.",
}
NETWORK = {
    "lookback": "Rows before the forecast origin that a network sees.",
    "segment": "Rows per recurrent step.",
    "seasons": "Lengths of the seasons, in rows; empty: none.",
    "log": "Work with logarithms of the values.",
    "deseasonalise": "Remove the seasons before the networks.",
    "cell": "Recurrent cell.",
    "hidden": "Hidden units per layer.",
    "layers": "Number of recurrent layers.",
    "dropout": "Dropout probability.",
    "decoder": "Forecast the horizon at once (direct) or segment by segment.",
    "members": "Networks in the ensemble.",
    "pretrained": "Let networks that know synthetic series join the blend.",
}
TRAINING = {
    "steps": "Training steps of each network.",
    "batch": "Windows per training step.",
    "rate": "Learning rate.",
    "loss": "Training loss.",
    "quantile": "Quantile of the pinball loss.",
    "optimizer": "Optimiser.",
    "weight_decay": "Weight decay.",
    "clip": "Largest norm of the gradient; 0: no clipping.",
    "schedule": "Learning-rate schedule.",
    "unroll": "Steps of truncated backpropagation through time. Default: all.",
    "patience": "Validation passes without progress before training stops; 0: no early stopping.",
    "refit": "Train on all rows after the error report.",
    "keep_on_interrupt": "On Ctrl-C, save the best model so far.",
    "seed": "Random seed.",
    "workers": "Number of cores. Default: all. Does not change the result.",
}
CORES = {"workers": TRAINING["workers"]}
ENGINE = {"engine": "Where the work is done: processes, ray, or a cluster, ray://HOST:10001."}
SAMPLING = {
    "sample_series": "Use a sample of N series, or as many as are enough: auto. For more data than memory.",
}
MODEL = {"model": "Model file."}
LOCKING = {"wait": "Seconds to wait for another run that writes the same model or state file."}
KEEPING = {"keep": "Number of old models to keep: MODEL.1 is the newest of them, see `forecast rollback`."}
RESUMING = {"no_resume": "Start anew, even if an interrupted run of the same training could go on."}
PREDICTING = {
    "samples": "Write N paths of each series instead: columns sample and value, for sums and maxima.",
    "skip_short": "Leave out series shorter than what the model looks back on.",
    "max_age": "Oldest that the newest row may be, such as 90min, 36h or 2d; any: however old.",
    "max_model_age": "Oldest that the model file may be, such as 30d.",
    "piece_rows": "With -o FOLDER/: rows of a piece, all of whole series, which a worker forecasts at once.",
    "digits": "Significant digits in CSV and JSON. Default: 7, and more for narrow intervals.",
}
MONITORING = {
    "state": "File that says which rows have been judged. Default: MODEL.monitor, beside the model.",
    "since": "A new state: judge the rows from this time on. Default: those after what the model has seen.",
    "false_alarms": "False alarms to expect, in all series together: 2/d, 1/4w, or per time steps, 1/1000. "
    "Default: 1/w; of data slower than hourly, 1/168.",
}
COMPUTING = {"kernels": "What computes the networks, or a form such as avx2. Default: the fastest here."}
GENERAL = {
    "config": f"File of settings. Default: {CONFIG_FILE}, if it exists.",
    "max_memory": "Most memory to take, such as 2G or 500M. Beyond it: exit code 10.",
    "json": "Write the result as JSON to stdout.",
    "quiet": "Log errors only.",
    "log_format": "Format of the log.",
    "log_file": "Append the log to a file too, with timestamps.",
    "summary": "Write a JSON account of the run, also of one that fails.",
    "debug": "After a bug in forecast, show where it happened.",
}
PANELS = {
    "Columns": COLUMNS | AHEAD,
    "Reading": READING,
    "Forecast": FORECASTING | PREDICTING,
    "Alarms": MONITORING,
    "Network": NETWORK,
    "Training": TRAINING | SAMPLING,
    "General": MODEL | LOCKING | KEEPING | RESUMING | COMPUTING | ENGINE | GENERAL,
}
