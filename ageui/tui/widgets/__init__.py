"""Widgets of the terminal application that know nothing of runs or the database."""
