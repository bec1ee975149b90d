"""Parts of the simulated platform."""
