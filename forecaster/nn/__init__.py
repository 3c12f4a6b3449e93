"""Recurrent networks in NumPy, backpropagation through time by hand. Knows nothing of forecasting."""
