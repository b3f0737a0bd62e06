"""Makes runs from the predictions of other runs."""
