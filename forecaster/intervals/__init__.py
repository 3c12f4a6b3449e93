"""Prediction intervals: the spread of each series, calibrated quantiles, and paths."""
