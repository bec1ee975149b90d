"""Genesys Web Services 8.5 (GWS v2): the on-premise REST and CometD interface of the agent."""
