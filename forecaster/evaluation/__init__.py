"""How good a forecast is: metrics, rolling origins, the error report, interval calibration."""
