"""Runs in the files of other tools, and the histories and figures of other tools as runs."""
