"""Forecasting: from a model and a panel to point forecasts and intervals in the user's units."""
