"""Files and locks on this machine: the database path, output files, picture viewers."""
