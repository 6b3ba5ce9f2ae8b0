"""The diagnosis as text of 80 columns, or as JSON."""

import json
import os
import re
import textwrap

from skiffshop.terminal import WIDTH, paint

from .finding import OK

COLOURS = {"ok": "green", "limited": "yellow", "missing": "red"}
PLACES = {"here": "", "sudo": "with sudo", "vm": "in the lab VM",
          "nowhere": "not here"}
INDENT = " " * 11


def as_text(machine, diagnosis):
    """The report for a person."""
    lines = [introduction(machine), ""]
    for chapter in diagnosis.chapters:
        lines += chapter_lines(chapter)
    return "\n".join(lines + [""] + summary(diagnosis))


def introduction(machine):
    """What was examined."""
    system = re.search(r'^PRETTY_NAME="?([^"\n]*)',
                       machine.read("/etc/os-release") or "", re.M)
    who = "root" if machine.is_root else "an ordinary user"
    return (f"{system[1] if system else 'Linux'}, {os.uname().machine}, seen"
            f" by {who}.\nWhat follows was tried just now; nothing of it"
            " is left.")


def chapter_lines(chapter):
    """A heading, then a line for each finding and way out."""
    place = PLACES[chapter.place]
    lines = [f"{chapter.number:02d} {chapter.name:18}"
             + paint(chapter.state, COLOURS[chapter.state])
             + (f", {place}" if place else "")]
    told = set()  # one way out for several findings is told once
    for finding in chapter.findings:
        lines += finding_lines(finding, told)
    blocked = [other for other in chapter.also if other.place != "here"]
    if blocked and chapter.place != "here":
        numbers = " and ".join(f"{other.number:02d}" for other in blocked)
        lines.append(f"   {'':8}needs what {numbers} needs")
    return lines


def finding_lines(finding, told):
    """`   ok      namespaces       what was measured`, folded."""
    head = f"   {finding.state:8}{finding.name:18}"
    colour = "" if finding.state == OK else COLOURS[finding.state]
    lines = fold(finding.measured, head)
    lines[0] = lines[0].replace(head, paint(head, colour), 1)
    for way in finding.ways:
        lines += [] if way in told else way_lines(way)
        told.add(way)
    return lines


def way_lines(way):
    """A way out; a command can be copied, also one of several lines."""
    if not way.startswith("$ "):
        return fold(way, INDENT + "-> ")
    folded = fold(way[2:], INDENT + " $ ", WIDTH - 2)
    return [line + " \\" for line in folded[:-1]] + folded[-1:]


def fold(text, head, width=WIDTH):
    """Cut at spaces only, so that names and paths stay whole."""
    return textwrap.wrap(text, width, initial_indent=head,
                         subsequent_indent=" " * len(head),
                         break_on_hyphens=False,
                         break_long_words=False) or [head.rstrip()]


def summary(diagnosis):
    """What the person can do now."""
    lines = []
    for place, words in (("here", "Ready here and now"),
                         ("sudo", "Ready with sudo"),
                         ("vm", "Ready in the lab VM (make vm)"),
                         ("nowhere", "Not yet ready, see above,")):
        numbers = [chapter.number for chapter in diagnosis.chapters
                   if chapter.place == place]
        if numbers:
            lines.append(f"{words} for chapters {ranges(numbers)}.")
    if diagnosis.can_start:
        lines.append("Next: open chapters/00-start/README.md,"
                     " then make check CH=0")
    else:
        lines.append("Chapters 00-03 cannot be done yet.")
    return lines


def ranges(numbers):
    """[0, 1, 2, 5] as "00-02, 05"."""
    runs = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(f"{first:02d}" if first == last
                     else f"{first:02d}-{last:02d}" for first, last in runs)


def as_json(machine, diagnosis):
    """The report for a program."""
    return json.dumps({
        "kernel": machine.release,
        "uid": machine.uid,
        "canStart": diagnosis.can_start,
        "chapters": [{
            "number": chapter.number, "name": chapter.name,
            "state": chapter.state, "place": chapter.place,
            "findings": [{
                "name": finding.name, "state": finding.state,
                "needed": finding in chapter.needs,
                "measured": finding.measured, "ways": finding.ways,
            } for finding in chapter.findings],
        } for chapter in diagnosis.chapters],
    }, indent=1)
