"""The screen of studies and the form that queues their runs."""
