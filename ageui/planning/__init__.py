"""Settings and their origins, sweeps, and the conversion of flags and fields to configs and back to a command."""
