"""Settings and their origins, sweeps, and the way from flags and fields to configs and back to a command."""
