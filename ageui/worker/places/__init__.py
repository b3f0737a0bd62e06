"""The places where attempts run: this machine, or a cluster. The supervisor does not know which place it is."""
