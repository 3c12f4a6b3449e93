"""How good is a forecast: metrics, baselines, rolling origins, interval calibration."""
