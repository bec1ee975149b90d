"""The parts of the simulated Clarity Connect server."""
