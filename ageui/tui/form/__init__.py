"""The common parts of the forms for new runs and for the runs of a study."""
