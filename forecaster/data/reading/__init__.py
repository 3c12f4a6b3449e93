"""Reading: files to a table of columns; says what is there, not what it means."""
