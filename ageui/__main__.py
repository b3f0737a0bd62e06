"""`python -m ageui` is `ageui`."""

from ageui.cli import main

main()
