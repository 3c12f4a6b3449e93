"""Evaluation of forecasts: rolling origins, metrics, the error report, interval calibration."""
