"""Reading: files -> a table of columns. It says what is there, not what it means."""
