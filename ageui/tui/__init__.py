"""The terminal application, and what it is drawn with."""
