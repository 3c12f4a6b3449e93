"""Writing: forecasts and tables to files."""
