"""What each component of a forecast owes to the rows before it."""
