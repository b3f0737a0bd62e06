"""The training engine of ageui: a library with no screen and no database."""
