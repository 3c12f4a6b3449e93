"""The command line: one file per command, which reads options, calls the pipeline and shows the result."""
