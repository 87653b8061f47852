"""Settings, commands, and the processes that serve."""
