"""Pipeline: what the commands do, one file a command: configuration in, result out."""
