#!/usr/bin/python3
"""Prints the paths of all shell or Python files of the tree, found by name or by their #! line.

    list.py shell|python [TREE]"""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import tree as files  # noqa: E402

FINDERS = {"shell": files.shell_files, "python": files.python_files}

if __name__ == "__main__":
    found = FINDERS[sys.argv[1]](sys.argv[2] if len(sys.argv) > 2 else files.TREE)
    print("\n".join(found))
    sys.exit(0 if found else 1)
