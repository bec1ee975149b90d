"""The inside of the simulated Engage Cloud; `simulator.py` is its door."""
