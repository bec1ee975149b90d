"""Who sends a request, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.api import scopes
from gateway.api.problems import Kind, Problem

LOCAL = "local"
"""The requester when no credentials are configured: whoever is on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who sent a request.

    Attributes:
        name: recorded as the requester of commands; a token's name, or `oidc:` and the subject of a signed one.
        scopes: what is allowed; None when no credentials are configured: everything.
        connectors: the only connectors it may see and command; None: all.
        agents: the only agents it may see and command, by their ids; None: all.
        expires: when its credentials end; None: never.
    """

    name: str
    scopes: frozenset[str] | None
    connectors: frozenset[str] | None = None
    agents: frozenset[str] | None = None
    expires: datetime | None = None

    @property
    def limits(self) -> frozenset[str]:
        """Which limits it has: `connectors`, `agents`."""
        limits = {"connectors": self.connectors, "agents": self.agents}
        return frozenset(name for name, allowed in limits.items() if allowed is not None)

    def has(self, scope: str) -> bool:
        """Whether the scope is granted."""
        return self.scopes is None or scopes.allows(self.scopes, scope)

    def sees(self, connector: str, agent: str | None = None) -> bool:
        """Whether something of this connector and agent is within the limits; what has no agent is beyond a limit."""
        return (self.connectors is None or connector in self.connectors) and (
            self.agents is None or agent in self.agents
        )

    def require(self, scope: str) -> None:
        """Raise a Problem (403) unless the scope is granted."""
        if not self.has(scope):
            raise Problem(
                Kind.FORBIDDEN,
                f"the token {self.name} lacks the scope {scope}",
                headers={
                    "WWW-Authenticate": f'Bearer realm="tieline", error="insufficient_scope", scope="{scope}"'
                },
            )

    def require_sight(self, connector: str, agent: str | None = None) -> None:
        """Raise a Problem (403) unless connector and agent are within the limits."""
        if self.connectors is not None and connector not in self.connectors:
            raise Problem(Kind.FORBIDDEN, f"the token {self.name} is limited to other connectors")
        if not self.sees(connector, agent):
            raise Problem(Kind.FORBIDDEN, f"the token {self.name} is limited to other agents")


LOCAL_CALLER = Caller(name=LOCAL, scopes=None)
