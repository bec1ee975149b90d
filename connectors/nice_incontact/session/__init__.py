"""The feed of one agent's session: joining or starting it, the long poll, and going on after an interruption."""

from __future__ import annotations

from connectors.nice_incontact.session.feed import PLATFORM_NAME, SessionFeed

__all__ = ["PLATFORM_NAME", "SessionFeed"]
