"""The shapes of the Workspace API's resources and messages, as the vendor's clients read and its simulator writes them.

Pure functions of the model. Sources: models of workspace-client-js 9.0.1 and of the Java client; agent-api-simulator
1.0.5 for media, workbins and snapshots; "Introduction to Engage Cloud APIs" for the envelope of errors.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from connectors.genesys_engage_cloud._simulated import media_messages
from connectors.genesys_engage_cloud._simulated.model import (
    Agent,
    AgentState,
    Call,
    CallState,
    Pairs,
    Recording,
    Style,
)
from connectors.genesys_engage_cloud._simulated.pairs import key_values

Data = dict[str, Any]

ROOT = "/workspace/v3"
INITIALIZATION = f"{ROOT}/initialization"
VOICE = f"{ROOT}/voice"
MEDIA = f"{ROOT}/media"
TOPICS = f"{ROOT}/media/topics"
WORKBINS = f"{ROOT}/workbins"
MEDIA_MANAGEMENT = f"{ROOT}/media-management"
CONTACTS = f"{ROOT}/contacts"
STATISTICS = f"{ROOT}/statistics"
SERVICE_CHANNELS = {"VOICE": VOICE, "IXN": MEDIA, "UCS": CONTACTS, "STATS": STATISTICS}

_USER_DATA = ("attach-user-data", "update-user-data", "delete-user-data-pair")
_RECORDING = {
    None: ("start-recording",),
    Recording.STOPPED: ("start-recording",),
    Recording.RECORDING: ("pause-recording", "stop-recording"),
    Recording.PAUSED: ("resume-recording", "stop-recording"),
}


def _reasons(state: AgentState) -> list[Data]:
    return key_values({"ReasonCode": state.reason} if state.reason is not None else {})


def dn_resource(agent: Agent, now: float) -> Data:
    """The agent's DN."""
    out, ready = not agent.logged_in, agent.voice.state == "Ready"
    dn: Data = {
        "number": agent.number,
        "switchName": "SIP_Switch",
        "agentId": agent.login,
        "capabilities": ["login"]
        if out
        else [
            "not-ready" if ready else "ready",
            "dnd-off" if agent.do_not_disturb else "dnd-on",
            "cancel-forward" if agent.forward_to else "set-forward",
            "start-monitoring",
        ],
        "available": ready and not agent.do_not_disturb and not agent.calls,
        "agentState": agent.voice.state,
        "agentWorkMode": agent.voice.work_mode,
        "dnd": agent.do_not_disturb,
        "reasons": _reasons(agent.voice),
        "timestamp": int(now * 1000),
    }
    if agent.calls:
        dn["activity"] = "HandlingCall"
    if agent.forward_to:
        dn["forwardTo"] = agent.forward_to
    return dn


def dn_message(agent: Agent, now: float) -> Data:
    """DnStateChanged."""
    return {"messageType": "DnStateChanged", "dn": dn_resource(agent, now)}


def channel_resource(agent: Agent, name: str, now: float) -> Data:
    """One media channel."""
    state, dnd = agent.channels[name], name in agent.suspended_channels
    ready = state.state == "Ready"
    channel: Data = {
        "name": name,
        "state": state.state,
        "dnd": dnd,
        "reasons": _reasons(state),
        "available": ready and not dnd,
        "timestamp": int(now * 1000),
        "capabilities": ["not-ready" if ready else "ready", "dnd-off" if dnd else "dnd-on"],
    }
    if any(one.media == name for one in agent.interactions.values()):
        channel["activity"] = "HandlingInteraction"
    return channel


def channels_message(agent: Agent, names: Iterable[str], now: float) -> Data:
    """ChannelStateChanged, of one channel or several."""
    channels = [channel_resource(agent, name, now) for name in names]
    return {"messageType": "ChannelStateChanged", "media": {"channels": channels}}


def service_message(name: str, *, available: bool) -> Data:
    """ServiceStateChanged."""
    state = "AVAILABLE" if available else "UNAVAILABLE"
    return {"messageType": "ServiceStateChanged", "serviceName": name, "serviceState": state}


def call_capabilities(agent: Agent, call: Call) -> list[str]:
    """What may be done with the call now."""
    gone = {CallState.RELEASED, CallState.COMPLETED}
    others = [one for one in agent.calls.values() if one is not call and one.state not in gone]
    if call.state is CallState.RELEASED:
        return ["complete"]
    if call.state is CallState.COMPLETED:
        return []
    capabilities = list(_USER_DATA)
    if call.state is CallState.RINGING:
        return [*capabilities, "answer", "release", "redirect"]
    if call.state is CallState.DIALING:
        return [*capabilities, "release", "send-dtmf"]
    capabilities += ["release", "clear"]
    if call.state is CallState.HELD:
        capabilities.append("retrieve")
    else:
        capabilities += [
            "hold",
            "send-dtmf",
            "single-step-transfer",
            "single-step-conference",
            "initiate-transfer",
            "initiate-conference",
            *_RECORDING[call.recording],
        ]
        if len(call.parties) > 1:
            capabilities.append("delete-from-conference")
    if call.monitoring is not None:
        capabilities += ["switch-to-listen-in", "switch-to-coaching", "switch-to-barge-in"]
    if others:
        capabilities += ["alternate", "reconnect", "merge"]
    if call.consulted_by(others) or call.parent is not None:
        capabilities += ["complete-transfer", "complete-conference"]
    return capabilities


def call_resource(agent: Agent, call: Call, now: float) -> Data:
    """The `call` object."""
    resource: Data = {
        "id": call.id,
        "connId": call.id,
        "callUuid": call.uuid,
        "phoneNumber": call.other_party,
        "callType": call.call_type,
        "state": call.state,
        "capabilities": call_capabilities(agent, call),
        "participants": [{"number": number, "role": role} for number, role in call.parties],
        "dnis": call.dnis,
        "ani": call.ani,
        "userData": key_values(call.user_data),
        "extensions": key_values({"BusinessCall": 1, "WrapUpTime": "0"}),
        "duration": max(int(now - call.started_at), 0),
        "startedAt": int(call.started_at * 1000),
    }
    if call.previous_id is not None:
        resource["previousConnId"] = call.previous_id
    if call.parent is not None:
        resource["parentConnId"] = call.parent.id
    if call.recording is not None:
        resource["recordingState"] = call.recording
    return resource


def call_message(agent: Agent, call: Call, notification: str | None, now: float) -> Data:
    """CallStateChanged; without a notification it is a change of state, in the agent's dialect."""
    state = "StateChange" if agent.style is Style.CLIENT else "StatusChange"
    return {
        "messageType": "CallStateChanged",
        "notificationType": notification or state,
        "call": call_resource(agent, call, now),
    }


def error_message(agent: Agent, call: Call | None, code: int, text: str) -> Data:
    """EventError: with the DN, and the call where one is concerned ("Responses and errors")."""
    data: Data = {
        "messageType": "EventError",
        "error": {"errorCode": code, "errorMessage": text},
        "dn": agent.number,
    }
    return data | ({"connId": call.id, "callUuid": call.uuid} if call else {})


def monitoring_message(request: Pairs, *, started: bool) -> Data:
    """MonitoringStateChanged."""
    return {
        "messageType": "MonitoringStateChanged",
        "eventType": "MonitoringStarted" if started else "MonitoringStopped",
        "event": {
            "otherDN": request.get("phoneNumberToMonitor", ""),
            "monitorNextCallType": request.get("monitoringNextCallType", "OneCall"),
        },
        "monitorMode": request.get("monitoringMode", "Mute"),
    }


def progress_message(state: str, percent: int, submitted_at_ms: int) -> Data:
    """WorkspaceInitializationProgress; a failure is one too."""
    return {
        "messageType": "WorkspaceInitializationProgress",
        "state": state,
        "progress": {"percentComplete": percent},
        "submittedAt": submitted_at_ms,
        "executionTime": 0,
        "actualWaitTime": 0,
    }


def complete_message(user: Data, configuration: Data) -> Data:
    """WorkspaceInitializationComplete."""
    return {
        "messageType": "WorkspaceInitializationComplete",
        "state": "Complete",
        "data": {"user": user, "configuration": configuration},
    }


def user_resource(agent: Agent) -> Data:
    """The agent as a user."""
    return {
        "dbid": agent.dbid,
        "userName": agent.username,
        "firstName": agent.first_name,
        "lastName": "Simulated",
        "employeeId": agent.employee_id,
        "agentLogin": agent.login,
        "defaultPlace": agent.place,
        "userProperties": key_values({"interaction-workspace": {"toast.enabled": "true"}}),
    }


def active_session(agent: Agent, now: float) -> Data:
    """What a workspace session holds, for GET /current-session."""
    return {
        "autoCompleteCall": True,
        "currentPlace": agent.place,
        "dn": dn_resource(agent, now),
        "calls": [call_resource(agent, call, now) for call in agent.calls.values()],
        "media": {
            "channels": [channel_resource(agent, name, now) for name in agent.channels],
            "interactions": [
                media_messages.interaction_resource(one) for one in agent.interactions.values()
            ],
        },
        "services": [],
        "agentReserved": False,
    }


BROKEN_MESSAGES = (
    b'{"data":{"messageType":"CallStateChanged"}}',
    b'{"channel":"/workspace/v3/voice"}',
    b'{"channel":"/workspace/v3/voice","data":null}',
    b'{"channel":"/workspace/v3/voice","data":{"messageType":"CallStateChanged","call":[]}}',
    b'{"channel":"/workspace/v3/voice","data":{"messageType":"DnStateChanged","dn":"7001"}}',
    b'{"channel":"/workspace/v3/media/chat","data":{"messageType":["MessageLogUpdated"],"messages":3}}',
    b'{"channel":"/workspace/v3/media/email","data":{"messageType":"InteractionStateChanged","interaction":{"userData":{"a":1}}}}',
)
