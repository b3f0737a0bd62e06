"""What the form for new runs asks, checks and says, apart from the widgets that show it."""
