"""Requests about the agent: state, session, do-not-disturb, forwarding.

Source: Genesys Web Services API reference, "Presence", "Set Agent States Across all Channels", "Set
Agent State for a Particular Channel", "Device/Channel Management".
"""

from __future__ import annotations

from typing import Any

from connectors._wire.arguments import (
    choice,
    flag,
    invalid,
    needed,
    segment,
    text,
)
from connectors.genesys_web_services.capabilities import proofs
from connectors.genesys_web_services.capabilities.agents import SCOPES, STATE_OPERATIONS
from connectors.genesys_web_services.commands.request import (
    ME,
    Login,
    Request,
    Situation,
    Spelling,
    device_paths,
    names,
    phone,
    spelled,
)
from gateway.commands import Command, Expectation

_VOICE = "voice"
_DO_NOT_DISTURB = {True: ("DoNotDisturbOn", "DNDOn"), False: ("DoNotDisturbOff", "DNDOff")}


def set_state(command: Command, situation: Situation) -> Request:
    """A state for all media, one medium or one phone; custom states go by their operation name."""
    agent = situation.agent
    state = choice(command, "state", tuple(STATE_OPERATIONS), default="")
    reason, media = text(command, "reason"), text(command, "media")
    device = text(command, "device")
    if device is not None and media not in {None, _VOICE}:
        raise invalid("device", "a phone has no other medium than voice")
    body = {"operationName": reason or STATE_OPERATIONS[state]}
    if device is not None:
        spellings = [Spelling(path, body) for path in device_paths(device)]
    else:
        path = ME if media is None else f"{ME}/channels/{segment(media, 'arguments.media')}"
        spellings = [Spelling(path, body)]
    if media not in {None, _VOICE}:
        return spelled(
            spellings,
            expectation=Expectation(
                confirmed_by=frozenset({proofs.CHANNEL_CHANGED}),
                subject=f"agent/{agent}",
                where={"media": media, "state": state},
            ),
        )
    # During a call the agent stays busy; the medium's own readiness is what was asked for. An agent
    # without a phone that is known is judged by whichever medium has it.
    on_voice = media is not None or device is not None or bool(situation.devices)
    readiness = {"media": _VOICE, "state": state} if on_voice else {"state": state}
    return spelled(
        spellings,
        expectation=Expectation(
            confirmed_by=frozenset({proofs.STATE_CHANGED, proofs.STATE_RESTATED}),
            subject=f"agent/{agent}",
            within={"media": readiness},
        ),
    )


def log_in(command: Command, situation: Situation) -> Request:
    """The start of a session with what the command says, else with what the settings say."""
    login = situation.login
    channels = command.arguments.get("channels")
    if channels is not None and not (
        isinstance(channels, list) and channels and all(isinstance(c, str) for c in channels)
    ):
        raise invalid("channels", "expected a list of names, such as [voice, chat]")
    chosen = Login(
        channels=login.channels if channels is None else tuple(channels),
        place=text(command, "place") or login.place,
        login_code=text(command, "login_code") or login.login_code,
        queue=text(command, "queue") or login.queue,
    )
    return start_session(situation.agent, chosen)


def start_session(agent: str, login: Login) -> Request:
    """The request that starts a contact-centre session."""
    optional = {"place": login.place, "loginCode": login.login_code, "queue": login.queue}
    body: dict[str, Any] = {
        "operationName": "StartContactCenterSession",
        "channels": list(login.channels),
        **{name: value for name, value in optional.items() if value is not None},
    }
    return Request(
        path=ME,
        body=body,
        expectation=Expectation(
            confirmed_by=frozenset({proofs.SESSION_STARTED}), subject=f"agent/{agent}"
        ),
    )


def log_out(_command: Command, situation: Situation) -> Request:
    """The end of the session; the platform ends the HTTP session with it."""
    return Request(
        path=ME,
        body={"operationName": "EndContactCenterSession"},
        expectation=Expectation(
            confirmed_by=frozenset({proofs.SESSION_ENDED}), subject=f"agent/{situation.agent}"
        ),
    )


def set_do_not_disturb(command: Command, situation: Situation) -> Request:
    """Do-not-disturb for all devices and channels, one phone or one medium. Two pairs of names are documented."""
    switched_on = flag(command, "on")
    if switched_on is None:
        raise invalid("on", "missing")
    scope = choice(command, "scope", SCOPES, default=SCOPES[0])
    picture = situation.picture
    where: dict[str, Any] = {"do_not_disturb": switched_on}
    if scope == "device":
        device = phone(command, situation)
        paths: tuple[str, ...] = device_paths(device)
        offered = situation.offers.of(device).capabilities
        types, where = {proofs.DEVICE_CHANGED}, {**where, "device": device}
        known = picture.devices.get(device)
        states = [known.do_not_disturb] if known else []
    elif scope == "media":
        media = needed(command, "media")
        paths, offered = (f"{ME}/channels/{segment(media, 'arguments.media')}",), frozenset()
        on_phone = media == _VOICE
        types = {proofs.DEVICE_CHANGED if on_phone else proofs.CHANNEL_CHANGED}
        where |= {} if on_phone else {"media": media}
        states = [device.do_not_disturb for device in picture.devices.values()] if on_phone else []
    else:
        paths, offered = (ME,), frozenset()
        types = {proofs.DEVICE_CHANGED, proofs.CHANNEL_CHANGED}
        states = [device.do_not_disturb for device in picture.devices.values()]
    operations = names(_DO_NOT_DISTURB[switched_on], offered)
    return spelled(
        [Spelling(path, {"operationName": name}) for path in paths for name in operations],
        expectation=_of_agent(situation, types, where, already=_all_are(states, switched_on)),
    )


def forward(command: Command, situation: Situation) -> Request:
    """Calls to a phone go elsewhere. The number is documented plain; servers take the object too."""
    destination, device = needed(command, "destination"), phone(command, situation)
    known = situation.picture.devices.get(device)
    numbers: list[Any] = [destination, {"phoneNumber": destination}]
    return spelled(
        [
            Spelling(path, {"operationName": "ForwardCallsOn", "destination": number})
            for path in device_paths(device)
            for number in numbers
        ],
        expectation=_of_agent(
            situation,
            {proofs.DEVICE_CHANGED},
            {"device": device, "forward_to": destination},
            already=known is not None and known.forward_to == destination,
        ),
    )


def cancel_forward(command: Command, situation: Situation) -> Request:
    """Calls to a phone come to it again."""
    device = phone(command, situation)
    known = situation.picture.devices.get(device)
    return spelled(
        [Spelling(path, {"operationName": "ForwardCallsOff"}) for path in device_paths(device)],
        expectation=_of_agent(
            situation,
            {proofs.DEVICE_CHANGED},
            {"device": device, "forward_to": None},
            already=known is not None and not known.forward_to,
        ),
    )


def _of_agent(
    situation: Situation, types: set[str], where: dict[str, Any], *, already: bool
) -> Expectation:
    """What is so already does not change: then the platform restates the agent's state, and that is the proof."""
    subject = f"agent/{situation.agent}"
    if already:
        return Expectation(confirmed_by=frozenset(types | {proofs.STATE_RESTATED}), subject=subject)
    return Expectation(confirmed_by=frozenset(types), subject=subject, where=where)


def _all_are(states: list[bool | None], wanted: bool) -> bool:  # noqa: FBT001 - one of two values that are compared
    return bool(states) and all((state or False) is wanted for state in states)
