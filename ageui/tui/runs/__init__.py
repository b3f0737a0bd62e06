"""The home screen, a table of runs."""
