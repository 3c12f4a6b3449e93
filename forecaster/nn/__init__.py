"""Recurrent networks in NumPy, with backpropagation through time by hand. Independent of forecasting."""
