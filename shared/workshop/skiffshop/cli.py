"""The table of commands; the last place where an error may arrive."""

import importlib
import os
import sys
from pathlib import Path

from .errors import ShopError
from .model import Tree
from .options import Options
from .terminal import warn

COMMANDS = ("starters", "weave", "consoles", "check", "status", "watch",
            "hint", "diff", "reset", "predict", "attack")


def find_tree():
    """The checkout in which this file stands."""
    return Tree(Path(__file__).resolve().parents[3])


def main(words, tree=None):
    """Run one command; its exit status."""
    command = words[0] if words else ""
    if command not in COMMANDS:
        warn(f"shop: {command or 'which command'}: there is no such command")
        warn("hint: commands are " + " ".join(COMMANDS))
        return 2
    tree = tree or find_tree()
    try:
        module = importlib.import_module(f"skiffshop.{command}")
        return module.main(tree, Options(command, words[1:]))
    except ShopError as error:
        sys.stdout.flush()
        for line in error.lines(command):
            warn(line)
        return error.status
    except KeyboardInterrupt:
        warn("")
        return 130
    except BrokenPipeError:  # make status | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1 if command == "check" else 0
    except OSError as error:
        where = tree.shown(error.filename) if error.filename else "system"
        warn(f"make {command}: {where}: {error.strerror or error}")
        if isinstance(error, PermissionError):
            warn("hint: does it belong to root, from an earlier sudo? Then"
                 " try sudo make " + command)
        return 2
