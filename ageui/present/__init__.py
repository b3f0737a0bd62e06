"""Tables as people see them, and their formats."""
