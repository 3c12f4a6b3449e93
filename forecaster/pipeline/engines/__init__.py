"""Where pieces of the work are done: in this process, in processes of this machine, or on a cluster."""
