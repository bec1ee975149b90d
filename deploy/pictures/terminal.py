# ruff: noqa: INP001 - a program that is run by hand, in no package
"""Runs a command in a terminal of its own, and draws what that shows after some seconds as an SVG.

    python deploy/pictures/terminal.py 40 deploy/pictures/demo.svg .venv/bin/tieline demo --for 60

Needs what is in `requirements.txt` of this folder.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from io import StringIO
from pathlib import Path

import pyte
from rich.console import Console
from rich.style import Style
from rich.text import Text

COLUMNS, ROWS = 118, 40
NAMES = {"brown": "yellow", "default": None}
"""Colours that pyte calls otherwise than rich."""


def play(command: list[str], seconds: float) -> pyte.Screen:
    """The screen of the command after so many seconds; then it is interrupted and waited for."""
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    child, terminal = pty.fork()
    if child == 0:
        os.execvpe(command[0], command, os.environ | {"TERM": "xterm-256color"})  # noqa: S606 - the operator's own command
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    ends = time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 0:
        if select.select([terminal], [], [], left)[0]:
            stream.feed(os.read(terminal, 65_536))
    shown = pyte.Screen(COLUMNS, ROWS)
    shown.buffer = screen.buffer.copy()
    os.kill(child, signal.SIGINT)
    try:
        while os.read(terminal, 65_536):
            pass
    except OSError:
        pass  # the other side is closed: the command has ended
    os.waitpid(child, 0)
    return shown


def lines_of(screen: pyte.Screen) -> list[Text]:
    """What the screen shows, without blank lines at its ends."""
    lines = []
    for row in range(ROWS):
        line = Text()
        for column in range(COLUMNS):
            cell = screen.buffer[row][column]
            line.append(cell.data, Style(color=NAMES.get(cell.fg, cell.fg), bold=cell.bold))
        lines.append(line)
    while lines and not lines[-1].plain.strip():
        lines.pop()
    while lines and not lines[0].plain.strip():
        lines.pop(0)
    return lines


def main(seconds: float, picture: Path, command: list[str]) -> None:
    """Run, draw, write."""
    console = Console(width=COLUMNS, record=True, file=StringIO(), force_terminal=True)
    for line in lines_of(play(command, seconds)):
        console.print(line, no_wrap=True, crop=True)
    drawn = console.export_svg(title="make demo")
    # Fonts come from the reader's machine, not from elsewhere.
    drawn = re.sub(r"@font-face \{.*?\}\n", "", drawn, flags=re.DOTALL)
    picture.write_text(
        drawn.replace("Fira Code", "ui-monospace, Menlo, Consolas"), encoding="utf-8"
    )


if __name__ == "__main__":
    main(float(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
