#!/usr/bin/env bash
# `make demo`: train on both samples, print forecasts and error tables. Everything it writes goes to demo/.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p demo

say() { printf '\n$ %s\n' "$*"; "$@"; }

say forecast inspect sample_data/sensors.parquet
say forecast train sample_data/sensors.parquet --effort quick --model demo/sensors.model --report demo/sensors.html
say forecast predict --model demo/sensors.model -o demo/sensors.csv --plot demo/sensors.png
head -n 6 demo/sensors.csv

say forecast train sample_data/stocks.csv --effort quick --model demo/stocks.model
say forecast predict --model demo/stocks.model -o demo/stocks.csv
head -n 6 demo/stocks.csv

printf '\nForecasts, a picture, a report as a page (demo/sensors.html) and the models are in demo/\n'
