"""What commands and the Python interface do alike, with its messages on a console."""
