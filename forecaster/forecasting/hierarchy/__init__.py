"""Forecasts of series and of their sums that add up."""
