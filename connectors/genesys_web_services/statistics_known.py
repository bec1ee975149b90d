"""The statistics that the vendor ships definitions of, by what they measure.

A site may define others, so a name that is not here is no error, only a doubt. Source: Genesys Web
Services API reference, "List of statistics to be monitored".
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

KNOWN: dict[str, frozenset[str]] = {
    "queue": frozenset(
        {
            "Total_Answered",
            "Total_Abandoned",
            "Current_In_Queue",
            "CurrMaxCallWaitingTime",
            "ServiceLevel",
            "AverageWaitingTime",
        }
    ),
    "skill": frozenset(
        {
            "CurrentNotReadyAgents",
            "CurrentReadyAgents",
            "CurrNumberInCall",
            "CurrentNumberLoggedInAgents",
            "LongestIdleTime",
            "AverageHandlingTime",
            "ServiceLevel",
        }
    ),
    "agent": frozenset(
        {
            "AverageHandlingTime",
            "Productivity",
            "InboundCalls",
            "InternalCalls",
            "OutboundCalls",
            "ConsultCalls",
            "ReadyDuration",
            "WrapDuration",
            "TalkDuration",
            "HoldDuration",
            "CurrentTargetState",
            "CurrentAgentState",
        }
    ),
}


def suggestion(kind: str, name: str, *, beside: Iterable[str] = ()) -> str:
    """The nearest spelling among the known names and those that the server has, as half a sentence; or nothing."""
    names = {known.casefold(): known for known in (*KNOWN[kind], *beside)}
    near = difflib.get_close_matches(name.casefold(), names, n=1)
    return f"did you mean {names[near[0]]!r}?" if near and names[near[0]] != name else ""


def doubt(kind: str, name: str) -> str:
    """What there is to say about a configured name before any server was asked; nothing if it is known."""
    if name in KNOWN[kind]:
        return ""
    near = suggestion(kind, name)
    return f"{name!r} is no {kind} statistic of the vendor's list" + (f"; {near}" if near else "")
