"""Tables of marked cells, the words and marks of their figures, and a writer for each format."""
