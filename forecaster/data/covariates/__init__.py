"""Covariates: what is known of the future, facts of each series, calendars and events."""
