"""The memory a run needs, and the memory this machine has."""
