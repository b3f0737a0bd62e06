"""The screen that sets runs side by side."""
