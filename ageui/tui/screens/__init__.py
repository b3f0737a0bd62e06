"""The screens of the application, one file and one style sheet each."""
