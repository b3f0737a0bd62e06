"""Works on queued runs: the only place where the engine's events become rows."""
