"""Every command that a platform claims to take, sent through the API of a whole gateway to the simulated platform."""
