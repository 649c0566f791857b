"""Measurements: each prints one JSON line per figure. `make bench`, `make bench FIGURE=name`."""
