"""New observations against forecasts of them: scores, chances, alarms, and the state between two runs."""
