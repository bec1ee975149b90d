"""The live table: feeds, sinks, agents, calls and commands, as they are at this moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table

from gateway.demo.account import Account
from gateway.demo.script import CommandScript
from gateway.runtime import Runtime
from gateway.states import AgentState, ConnectionState, FeedState

_STYLES = {"done": "green", "refused": "yellow", "unknown": "red", "accepted": "cyan"}


class Board:
    """Draws the state of a running gateway."""

    def __init__(self, runtime: Runtime, script: CommandScript) -> None:
        self._runtime = runtime
        self._script = script
        self._last: dict[str, tuple[float, int]] = {}

    def render(self, now: datetime) -> RenderableType:
        """One frame."""
        moment = now.timestamp()
        return Group(
            self._feeds(now, moment),
            self._sinks(moment),
            Columns([self._agents(), self._calls(), self._commands()], expand=True),
        )

    def _rate(self, key: str, moment: float, total: int) -> str:
        before = self._last.get(key)
        self._last[key] = (moment, total)
        if before is None or moment <= before[0]:
            return "-"
        return f"{(total - before[1]) / (moment - before[0]):.0f}/s"

    def _feeds(self, now: datetime, moment: float) -> RenderableType:
        table = _table("connector", "feeds", "connected", "last event", "rate", "events", "gaps")
        for name in self._runtime.connector_names:
            runners = [run for run in self._runtime.feed_runners if run.connector.name == name]
            states = Counter(run.state for run in runners)
            newest = max((run.last_event_at for run in runners if run.last_event_at), default=None)
            events = sum(run.events for run in runners)
            gaps = sum(run.gaps for run in runners)
            connected = states[FeedState.CONNECTED]
            table.add_row(
                name,
                str(len(runners)),
                f"[{'green' if connected == len(runners) else 'yellow'}]{connected}[/]",
                f"{(now - newest).total_seconds():.1f} s ago" if newest else "none yet",
                self._rate(f"feed {name}", moment, events),
                str(events),
                f"[{'red' if gaps else 'green'}]{gaps}[/]",
            )
        return Panel(table, title="feeds", border_style="blue")

    def _sinks(self, moment: float) -> RenderableType:
        table = _table("sink", "state", "lag", "rate", "delivered", "refused", "last error")
        lag = self._runtime.journal.statistics().lag
        for sink in self._runtime.dispatchers:
            table.add_row(
                sink.name,
                "[green]open[/]" if sink.is_open else "[yellow]waiting[/]",
                str(lag.get(sink.name, 0)),
                self._rate(f"sink {sink.name}", moment, sink.delivered),
                str(sink.delivered),
                str(sink.refused),
                sink.last_error.message if sink.last_error else "",
            )
        return Panel(table, title="sinks", border_style="blue")

    def _agents(self) -> RenderableType:
        counts: Counter[str] = Counter()
        for (_, state), number in self._runtime.picture.agents_by_state().items():
            counts[state] += number
        return _counts("agents", [state.value for state in AgentState], counts)

    def _calls(self) -> RenderableType:
        counts: Counter[str] = Counter()
        for (_, state, _), number in self._runtime.picture.calls_by_state().items():
            counts[state] += number
        shown = [
            state.value
            for state in ConnectionState
            if state not in {ConnectionState.CLEARED, ConnectionState.FAILED}
        ]
        return _counts("calls", shown, counts)

    def _commands(self) -> RenderableType:
        table = _table("command", "about", "verdict")
        for verb, about, status in reversed(self._script.recent):
            table.add_row(verb, about[:14], f"[{_STYLES.get(status, 'white')}]{status}[/]")
        return Panel(table, title="commands", border_style="blue")


def summary(account: Account) -> RenderableType:
    """The table at the end."""
    sinks = sorted({name for part in account.platforms.values() for name in part.delivered})
    table = _table("", *account.platforms)
    rows = {
        "published": [part.published for part in account.platforms.values()],
        "journalled": [part.journalled for part in account.platforms.values()],
        **{
            f"delivered to {sink}": [
                part.delivered.get(sink, 0) for part in account.platforms.values()
            ]
            for sink in sinks
        },
        "events made of them": [part.events for part in account.platforms.values()],
    }
    for name, values in rows.items():
        table.add_row(name, *map(str, values))
    table.add_row(
        "commands",
        *(
            ", ".join(f"{number} {status}" for status, number in part.commands.items()) or "none"
            for part in account.platforms.values()
        ),
    )
    verdict = (
        "[bold green]nothing lost, nothing doubled[/]"
        if not account.lost and not account.duplicates
        else f"[bold red]{account.lost} lost, {account.duplicates} doubled[/]"
    )
    return Panel(
        Group(table, verdict),
        title=f"after {account.duration_s:.0f} s (platform messages)",
        border_style="green" if not account.lost else "red",
    )


def _table(*columns: str) -> Table:
    table = Table(box=None, expand=True, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _counts(title: str, keys: list[str], counts: Mapping[str, int]) -> RenderableType:
    table = _table("state", "now")
    for key in keys:
        table.add_row(key, str(counts.get(key, 0)))
    return Panel(table, title=title, border_style="blue")
