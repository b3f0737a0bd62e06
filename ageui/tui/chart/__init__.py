"""The chart widget: `raster` turns numbers into dots, `drawn_plot` stacks curves, `renderer` makes lines of text."""
