"""The ways of training that are compared: three peers and ageui, each doing the same work."""
