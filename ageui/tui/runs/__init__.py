"""The table of runs, the first screen."""
