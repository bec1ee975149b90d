"""The simulated recorder in parts."""
