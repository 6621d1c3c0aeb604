"""Helix in a terminal, with the grammar, the queries and the language server as its README says: words have colours,
the diagnostic is shown, a name is completed, a jump goes where it should, a saved file is formatted.

    python helix.py COMMAND...    COMMAND starts Helix on shop.polder

Needs pyte, which reads the screen.
"""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time

import pyte

COLUMNS, LINES = 120, 30


class Screen(pyte.Screen):
    """A screen that lets questions pass that newer programs ask of their terminal."""

    def report_device_status(self, *mode, private=False):
        if not private:
            super().report_device_status(*mode)


class Terminal:
    def __init__(self, command):
        self.screen = Screen(COLUMNS, LINES)
        self.stream = pyte.ByteStream(self.screen)
        self.main, side = pty.openpty()
        os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", COLUMNS=str(COLUMNS), LINES=str(LINES))
        self.process = subprocess.Popen(command, stdin=side, stdout=side, stderr=side, start_new_session=True)
        os.close(side)
        fcntl.ioctl(self.main, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))

    def read(self, seconds):
        end = time.time() + seconds
        while time.time() < end:
            if select.select([self.main], [], [], 0.05)[0]:
                try:
                    self.stream.feed(os.read(self.main, 65536))
                except OSError:
                    return

    def type(self, text, seconds=0.3):
        os.write(self.main, text.encode())
        self.read(seconds)

    def text(self):
        return "\n".join(line.rstrip() for line in self.screen.display)

    def colour(self, text):
        """The colour of a text's first place on the screen."""
        for row, line in enumerate(self.screen.display):
            if text in line:
                return self.screen.buffer[row][line.index(text)].fg
        fail(f"`{text}` is not on the screen\n{self.text()}")

    def wait(self, what, condition):
        for _ in range(100):
            if condition():
                return
            self.read(0.1)
        fail(f"waited for {what}\n{self.text()}")


def fail(text):
    print(f"Helix: {text}", file=sys.stderr)
    sys.exit(1)


def main():
    terminal = Terminal(sys.argv[1:])
    done = []
    terminal.wait("the program", lambda: "namespace shop" in terminal.text())

    terminal.wait("colours", lambda: terminal.colour("namespace") != terminal.colour("shop"))
    colours = {text: terminal.colour(text) for text in ["namespace", "shop {", "web {", "http:", "8080", "# Who"]}
    if len(set(colours.values())) < 4 or terminal.colour("tier") != colours["namespace"]:
        fail(f"words have the colours {colours}")
    done.append("colours")

    terminal.wait("the diagnostic", lambda: "●" in terminal.text() or "■" in terminal.text())
    terminal.type("]d", 1)
    terminal.wait("its message", lambda: "postgrs" in terminal.text().replace("web -> data/postgrs:sql", ""))
    done.append("diagnostic")

    # Mends the name by completion.
    terminal.type("5gg", 0.3)
    terminal.type("xc  web   ->  data/pos", 1.5)
    terminal.wait("completion", lambda: "postgres" in terminal.text().split("postgres:sql", 1)[-1])
    terminal.type("\x0e", 0.5)
    terminal.type("\r", 0.5)
    terminal.type("\x1b", 0.5)
    terminal.wait("the completed name", lambda: "  web   ->  data/postgres" in terminal.text())
    done.append("completion")

    # Goes to the definition of what stands under the cursor.
    terminal.type("4gg", 0.3)
    terminal.type("/postgres\r", 0.5)
    terminal.type("gd", 1)
    terminal.wait("the jump", lambda: "data.polder" in terminal.text() and "tier postgres" in terminal.text())
    done.append("jump")

    terminal.type(" r", 0.5)
    terminal.type("\x15mysql\r", 1)
    terminal.wait("the new name", lambda: "tier mysql" in terminal.text())
    done.append("rename")

    terminal.type(":wa\r", 1)
    terminal.type(":open shop.polder\r", 1)
    terminal.wait("the canonical form", lambda: terminal.text().count("  web -> data/mysql") == 2)
    done.append("format")

    terminal.type(":qa!\r", 1)
    terminal.process.wait(timeout=10)
    print(f"Helix: {', '.join(done)}")


main()
