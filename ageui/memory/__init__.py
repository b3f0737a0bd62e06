"""The memory that a run needs, and the memory of this machine."""
