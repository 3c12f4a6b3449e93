"""Roles: which column is the time, the id, the target; which rows are not data."""
