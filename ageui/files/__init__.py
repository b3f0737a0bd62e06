"""Files and locks on this machine: the path of the database, output files, viewers of pictures."""
