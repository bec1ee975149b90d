"""Bayeux, the protocol of CometD: a state machine without I/O and its long-polling client."""
