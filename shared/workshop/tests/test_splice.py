"""What a learner has not written yet comes from ours, region by region."""

from skiffshop.splice import spliced_text
from skiffshop.starters import starter_text


def room(tree):
    """The sample tree's first chapter with tasks, and its file."""
    chapter = next(one for one in tree.chapters if one.tasks)
    return chapter, chapter.files[0]


def test_untouched_starter_gets_all_our_bodies(shop):
    chapter, name = room(shop.tree)
    path = chapter.directory / name
    path.write_text(starter_text(chapter, name), encoding="utf-8")
    text = spliced_text(shop.tree, chapter, name)
    assert "TODO(" in path.read_text() and "TODO(" not in text
    assert text.startswith(f'#line 1 "{shop.tree.shown(path)}"')


def test_what_is_written_stays(shop):
    chapter, name = room(shop.tree)
    path = chapter.directory / name
    first = chapter.tasks[0]
    lines = starter_text(chapter, name).splitlines()
    at = next(i for i, line in enumerate(lines)
              if f'TODO("{first.number} ' in line)
    lines[at] = "\treturn 4242;"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    text = spliced_text(shop.tree, chapter, name)
    assert "return 4242;" in text and "TODO(" not in text


def test_lines_keep_their_numbers(shop):
    chapter, name = room(shop.tree)
    path = chapter.directory / name
    starter = starter_text(chapter, name)
    path.write_text(starter + "/* the last line */\n", encoding="utf-8")
    number = 0
    for line in spliced_text(shop.tree, chapter, name).splitlines():
        if line.startswith("#line "):
            number = int(line.split()[1]) - 1
        else:
            number += 1
    assert number == len(starter.splitlines()) + 1


def test_lost_markers_leave_the_file_as_it_is(shop):
    chapter, name = room(shop.tree)
    path = chapter.directory / name
    lines = [line for line in starter_text(chapter, name).splitlines()
             if "/* END" not in line]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert "TODO(" in spliced_text(shop.tree, chapter, name)
