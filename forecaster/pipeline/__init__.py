"""Pipeline: the work of the commands, one file per command: configuration in, result out."""
