"""The command line: one file a command; options -> config -> pipeline -> report, and nothing else."""
