#!/usr/bin/python3
"""Compiles Python files as `python3 -m py_compile` does, with warnings as errors, and writes nothing.

    compile.py FILE..."""

import sys
import warnings


def main(paths):
    warnings.simplefilter("error")
    wrong = 0
    for path in paths:
        with open(path, "rb") as file:
            try:
                compile(file.read(), path, "exec", dont_inherit=True)
            except (SyntaxError, ValueError, Warning) as error:
                print(f"{path}: {error}")
                wrong += 1
    print(f"lint: {len(paths)} Python files, {wrong} that do not compile")
    return 1 if wrong or not paths else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
