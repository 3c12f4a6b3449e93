"""Layouts: tables in which a row is not one observation, and times that do not stand in one column."""
