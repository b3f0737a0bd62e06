"""Works on queued runs: the only place that turns the engine's events into rows."""
