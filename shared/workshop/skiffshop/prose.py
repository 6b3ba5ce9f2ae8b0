"""Markdown's paragraphs and lists, filled to the width of the screen."""

import re
import textwrap

from .terminal import WIDTH

LINK = re.compile(r"\[([^\]]+)\]\([^)\s]+\)")


def flow(text):
    """Paragraphs and list items filled to the screen; code as it is.

    A link is shown as its text.
    """
    text = LINK.sub(r"\1", text)
    out, paragraph, fenced = [], [], False
    for line in [*text.splitlines(), ""]:
        fence = line.lstrip().startswith("```")
        item = re.match(r"\s*([-*]|\d+\.)\s", line)
        if (fence or fenced or item or not line.strip()) and paragraph:
            out += fill(paragraph)
            paragraph = []
        if fence:
            fenced = not fenced
        elif fenced:
            out.append("    " + line)
        elif line.strip():
            paragraph.append(line)
        else:
            out.append("")
    return "\n".join(out).rstrip()


def fill(paragraph):
    """One paragraph, or one list item with its hanging indent."""
    first = paragraph[0]
    item = re.match(r"\s*([-*]|\d+\.)\s+", first)
    lead = first[:len(first) - len(first.lstrip())]
    hang = " " * len(item.group()) if item else lead
    words = " ".join(line.strip() for line in paragraph)
    return textwrap.wrap(words, WIDTH - 2, initial_indent=lead,
                         subsequent_indent=hang, break_on_hyphens=False,
                         break_long_words=False)
