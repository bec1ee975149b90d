"""The recorder's times: American form, local, without a zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from connectors.incontact_wfo.vendor import TIMES

_AHEAD = timedelta(minutes=5)


def site_time(value: str | None, zone: ZoneInfo, received: datetime) -> datetime | None:
    """The UTC time that a text of the recorder means, none if it means none.

    In the hour that comes twice in autumn, it is the later one that is not in the future, with five
    minutes for clocks that differ.
    Source: inContact WFO 16.3 help, "Recording API Commands": "MM/DD/YYYY HH:MM:SS".
    """
    if value is None:
        return None
    try:
        local = datetime.strptime(value, TIMES).replace(tzinfo=zone)
        later = local.replace(fold=1).astimezone(UTC)
        return later if later <= received + _AHEAD else local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
