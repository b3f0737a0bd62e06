"""What the forms for new runs and for the runs of a study share."""
