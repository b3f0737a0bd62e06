"""Data sets: their sources, their labels and their pixels."""
