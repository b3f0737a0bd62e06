"""The screen of data sets."""
