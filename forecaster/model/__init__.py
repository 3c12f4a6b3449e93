"""Model: what a trained forecaster is, and the file that holds it."""
