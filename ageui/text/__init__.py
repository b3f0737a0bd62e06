"""Plain text for people: cleaned, counted, and the words for the states of runs."""
