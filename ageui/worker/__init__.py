"""Trains queued runs, and alone turns the engine's events into rows."""
