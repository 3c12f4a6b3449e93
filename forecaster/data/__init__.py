"""Reading tables and writing results: the only rooms that know pandas and pyarrow."""
