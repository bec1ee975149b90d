"""Tieline: an event-bridging integration gateway for contact centres."""

__version__ = "0.1.0"
