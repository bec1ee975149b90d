"""The shapes of Genesys Web Services' CometD messages and resources (Web Services API reference 8.5.1).

Pure functions of a model in `model.py`. The reference shows two generations of a call ("Call Recording API" and
"Asynchronous Telephony Operations Notifications" write participants as strings; servers of 8.5.2 send objects and add
`extensions`), and interactions once nested in `interaction` and once flat ("Interaction Notifications"): both are made.
"""

from __future__ import annotations

from typing import Any

from connectors.genesys_web_services._simulated.model import (
    Agent,
    Call,
    CallState,
    Interaction,
    InteractionState,
    Recording,
    Style,
    UserState,
)

Data = dict[str, Any]

CALLS = "/v2/me/calls"
DEVICES = "/v2/me/devices"
CHANNELS = "/v2/me/channels"
INTERACTIONS = "/v2/me/interactions"
ME = "/v2/me"
SERVICES = "/notifications/services"
USERS = "/v2/users"

_USER_DATA = ("AttachUserData", "UpdateUserData", "DeleteUserData", "DeleteUserDataPair")
_RECORDING = {
    None: ("StartCallRecording",),
    Recording.STOPPED: ("StartCallRecording",),
    Recording.RECORDING: ("PauseCallRecording", "StopCallRecording"),
    Recording.PAUSED: ("ResumeCallRecording", "StopCallRecording"),
}


def call_capabilities(agent: Agent, call: Call) -> list[str]:
    """What may be done with the call now."""
    others = [other for other in agent.calls.values() if other is not call]
    capabilities = list(_USER_DATA)
    if call.state is CallState.RINGING:
        capabilities += ["Answer", "Hangup"]
    elif call.state is CallState.DIALING:
        capabilities += ["Hangup", "SendDtmf"]
    elif call.state is CallState.ESTABLISHED:
        capabilities += [
            "Hold",
            "Hangup",
            "SendDtmf",
            "UnmuteCall" if call.muted else "MuteCall",
            "SingleStepTransfer",
            "SingleStepConference",
            "InitiateTransfer",
            "InitiateConference",
            *_RECORDING[call.recording],
        ]
        if len(call.participants) > 1:
            capabilities.append("RemoveParticipantFromConference")
    elif call.state is CallState.HELD:
        capabilities += ["Retrieve", "Hangup"]
    else:
        return []
    if others and call.state in {CallState.ESTABLISHED, CallState.HELD}:
        capabilities += ["SwapCalls", "MergeWithOtherCall"]
    if call.consulted_by(others) or call.parent is not None:
        capabilities += ["CompleteTransfer", "CompleteConference"]
    return capabilities


def _country() -> Data:
    return {"name": "", "code": "", "callingCode": ""}


def _participant_info(number: str) -> Data:
    return {
        "country": _country(),
        "formattedPhoneNumber": number,
        "location": None,
        "E164digits": number,
        "isValidNumber": False,
    }


def _participant(number: str) -> Data:
    return {
        "phoneNumber": number,
        "formattedPhoneNumber": number,
        "e164Number": number,
        "digits": number,
    }


def call_resource(agent: Agent, call: Call, base: str, now: float) -> Data:
    """The `call` object."""
    resource: Data = {
        "id": call.id,
        "state": call.state,
        "callUuid": call.uuid,
        "deviceUri": f"{base}/devices/{agent.device_id}",
        "uri": f"{base}/me/calls/{call.id}",
        "ani": call.ani,
        "dnis": call.dnis,
        "callType": call.call_type,
        "capabilities": call_capabilities(agent, call),
        "userData": dict(call.user_data),
        "duration": str(max(int(now - call.started_at), 0)),
        "mute": "On" if call.muted else "Off",
    }
    if agent.style is Style.REFERENCE:
        resource["participants"] = list(call.participants)
        resource["participantsInfo"] = [_participant_info(number) for number in call.participants]
    else:
        resource["connId"] = call.connection_id
        resource["path"] = f"/calls/{call.id}"
        resource["participants"] = [_participant(number) for number in call.participants]
    if call.recording is not None:
        resource["recordingState"] = call.recording
    return resource


def call_message(agent: Agent, call: Call, notification: str, base: str, now: float) -> Data:
    """A CallStateChangeMessage."""
    data: Data = {
        "messageType": "CallStateChangeMessage",
        "notificationType": notification,
        "call": call_resource(agent, call, base, now),
        "phoneNumber": agent.phone_number,
        "metrics": _metrics(now),
    }
    if agent.style is Style.RECENT:
        data["extensions"] = {
            "BusinessCall": "1",
            "WrapUpTime": "0",
            "ConnectionId": call.connection_id,
        }
    return data


def call_error(agent: Agent, call: Call | None, error: str, base: str, now: float) -> Data:
    """What a failed call operation looks like: on the calls' topic, without a `call`."""
    return {
        "messageType": "CallStateChangeMessage",
        "deviceUri": f"{base}/devices/{agent.device_id}",
        "errorMessage": error,
        "connectionId": call.connection_id if call else "",
        "callUuid": call.uuid if call else "",
        "phoneNumber": agent.phone_number,
        "metrics": _metrics(now),
    }


def _metrics(now: float) -> Data:
    return {
        "eventProcessing": {
            "serverGenerationTimestamp": int(now * 1000),
            "serverProcessingTimeTotalMs": 1,
            "nodeProcessingTimeNanos": 250_000,
        }
    }


def user_state(state: UserState) -> Data:
    """The `userState` object; what is not set is absent."""
    definition = {
        "id": state.id,
        "displayName": state.display_name,
        "state": state.state,
        "workMode": state.work_mode,
        "reason": state.reason,
    }
    return {key: value for key, value in definition.items() if value is not None}


def device_resource(agent: Agent, base: str) -> Data:
    """One device of the agent."""
    device: Data = {
        "id": agent.device_id,
        "deviceState": "Active" if agent.logged_in else "Inactive",
        "userState": user_state(agent.voice),
        "phoneNumber": agent.phone_number,
        "e164Number": agent.phone_number,
        "telephonyNetwork": "Private",
        "doNotDisturb": "On" if agent.do_not_disturb else "Off",
        "capabilities": [
            "ForwardCallsOff" if agent.forward_to else "ForwardCallsOn",
            "DoNotDisturbOff" if agent.do_not_disturb else "DoNotDisturbOn",
        ],
        "voiceEnvironmentUri": f"{base}/voice-environments/{agent.voice_environment_id}",
    }
    if agent.forward_to:
        device["forwardTo"] = agent.forward_to
    if agent.style is Style.REFERENCE:
        device |= {
            "type": "PSTNPhone",
            "model": "SimulatedDevice",
            "vendor": "Simulated",
            "country": _country(),
            "phoneNumberUri": f"{base}/phone-numbers/{agent.device_id}",
        }
    else:
        device["channels"] = ["voice"]
        device["dynamicPhoneNumber"] = False
    return device


def device_message(agent: Agent, base: str) -> Data:
    """A DeviceStateChangeMessage."""
    return {
        "messageType": "DeviceStateChangeMessage",
        "devices": [device_resource(agent, base)],
    }


def channel_resource(agent: Agent, channel: str) -> Data:
    """The state of one channel of the agent."""
    state = agent.voice if channel == "voice" else agent.channels[channel]
    resource: Data = {"channel": channel, "userState": user_state(state)}
    on = agent.do_not_disturb if channel == "voice" else channel in agent.suspended_channels
    if on or agent.style is Style.RECENT:
        resource["dndState"] = "On" if on else "Off"
    return resource


def channel_message(agent: Agent, channel: str) -> Data:
    """A channel notification; only servers newer than the reference put a messageType in."""
    data: Data = {"channels": [channel_resource(agent, channel)]}
    if agent.style is Style.RECENT:
        data["messageType"] = "ChannelStateChangeMessage"
    return data


_EMAIL_WORK = (
    "StopProcessing",
    "UpdateUserData",
    "AttachUserData",
    "DeleteUserData",
    "PlaceInWorkbin",
    "SingleStepTransfer",
    "Reply",
    "ReplyAll",
)
_CHAT_WORK = (
    "StopProcessing",
    "UpdateUserData",
    "AttachUserData",
    "DeleteUserData",
    "PlaceInWorkbin",
    "SingleStepTransfer",
    "LeaveChat",
    "EndChatSession",
    "SingleStepConference",
    "RequestChatHistory",
    "Send",
)


def interaction_capabilities(interaction: Interaction) -> list[str]:
    """What may be done with the interaction now."""
    if interaction.state is InteractionState.INVITED:
        return ["Accept", "Reject"]
    if interaction.parent_id is not None and interaction.is_open:
        return ["Cancel", "Send", "PlaceInWorkbin", "UpdateProperties", "LinkAttachment"]
    if not interaction.is_open:
        return []
    return list(_CHAT_WORK if interaction.channel == "chat" else _EMAIL_WORK)


def interaction_resource(interaction: Interaction, *, newer_names: bool = False) -> Data:
    """The interaction's own fields. `newer_names` picks interactionType/email_object over type/content."""
    invited = interaction.state is InteractionState.INVITED
    content: Data = {"interactionId": interaction.id}
    if interaction.channel == "chat":
        content = {
            "latestEventId": interaction.latest_event_id,
            "sessionId": interaction.session_id,
            "events": list(interaction.shown_events),
        }
    elif not invited:
        content |= {
            "text": interaction.text,
            "fromAddress": interaction.from_address,
            "toAddress": interaction.to_address,
            "subject": interaction.subject,
        }
    if interaction.attachments:
        content["attachments"] = list(interaction.attachments)
    resource: Data = {
        "id": interaction.id,
        "channel": interaction.channel,
        "state": interaction.state,
        "currentQueue": interaction.queue,
        "userData": dict(interaction.user_data),
        "capabilities": interaction_capabilities(interaction),
        "inQueues": {"__STOP__": ""},
        "outQueues": {},
        "interactionType" if newer_names else "type": interaction.kind,
        "interactionSubType" if newer_names else "subType": interaction.sub_kind,
    }
    if interaction.channel == "email" or not invited:
        resource[
            "email_object" if newer_names and interaction.channel == "email" else "content"
        ] = content
    if not invited:
        resource["startDate"] = interaction.started_at_ms
        resource["threadId"] = interaction.thread_id
    if interaction.parent_id is not None:
        resource["parentInteractionId"] = interaction.parent_id
    return resource


def interaction_message(interaction: Interaction, *, flat: bool) -> Data:
    """An InteractionStateMessage, nested under `interaction` or flat."""
    resource = interaction_resource(interaction, newer_names=flat)
    if flat:
        return {"messageType": "InteractionStateMessage", **resource}
    return {"messageType": "InteractionStateMessage", "interaction": resource}


def password_message(error: str | None = None, code: int = 0) -> Data:
    """The result of changing one's password ("Asynchronous Telephony Operations Notifications, User")."""
    if error is None:
        return {"notificationType": "PasswordChangeSuccessful"}
    return {
        "notificationType": "PasswordChangeError",
        "errorMessage": error,
        "errorCode": code,
    }


BROKEN_MESSAGES = (
    b'{"data":{"messageType":"CallStateChangeMessage"}}',
    b'{"channel":"/v2/me/calls"}',
    b'{"channel":"/v2/me/calls","data":null}',
    b'{"channel":"/v2/me/calls","data":"CallStateChangeMessage"}',
    b'{"channel":"/v2/me/calls","data":{"messageType":"CallStateChangeMessage","call":[]}}',
    b'{"channel":"/v2/me/devices","data":{"messageType":"DeviceStateChangeMessage","devices":{"id":1}}}',
    b'{"channel":"/v2/me/interactions","data":{"messageType":["InteractionStateMessage"],"interaction":3}}',
)
