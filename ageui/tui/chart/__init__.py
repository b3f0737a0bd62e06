"""The chart of curves: numbers to dots in `raster`, series to a sheet in `curves`, all of it to lines in `picture`."""
