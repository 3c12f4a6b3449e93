"""Rows: passes over rows, and what is known beside the values in them."""
