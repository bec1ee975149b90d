"""NICE inContact: agent sessions by long polling, the real-time figures by polling."""
