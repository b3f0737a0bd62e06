"""Files on a person's disk: where the database is, what commands write, what opens a picture."""
