"""One file per format of a comparison."""
