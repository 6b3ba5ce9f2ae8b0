"""Quotes of C in a lesson."""

import pytest

LESSON = """\
# Beta

```c quote=solutions/01-alpha/alpha.c#{}
old
```
tail
"""


def weave(shop, region):
    path = shop.root / "chapters/02-beta/README.md"
    path.write_text(LESSON.format(region))
    status, text = shop.run("weave")
    lines = path.read_text().splitlines()
    return status, text, "\n".join(lines[3:lines.index("```")])


def test_a_quote_is_woven_without_markers(shop):
    status, _, code = weave(shop, "sum")
    assert status == 0
    assert code.splitlines() == [
        "int alpha_sum(int a, int b)", "{", "\tint sum = a + b;", "",
        "\treturn sum;", "}"]


def test_a_task_is_quoted_dedented(shop):
    assert weave(shop, "1.2")[2] == "return 2 * a;"
    assert weave(shop, "double")[2] == "return 2 * a;"


def test_all_places_of_a_task_or_one(shop):
    path = shop.root / "chapters/02-beta/README.md"
    path.write_text("```c quote=solutions/02-beta/beta.c#2.1\n```\n\n"
                    "```c quote=solutions/02-beta/beta.c#2.1/2\n```\n")
    assert shop.run("weave")[0] == 0
    text = path.read_text()
    assert "/* ... */\nreturn a + helper(b);" in text
    assert text.count("return -a;") == 1
    assert text.count("return a + helper(b);") == 2


def test_check_fails_when_the_code_changes(shop):
    weave(shop, "sum")
    assert shop.run("weave", "--check")[0] == 0
    path = shop.root / "solutions/01-alpha/alpha.c"
    path.write_text(path.read_text().replace("a + b", "b + a"))
    status, text = shop.run("weave", "--check")
    assert status == 1 and "+\tint sum = b + a;" in text
    assert "a + b" in (shop.root / "chapters/02-beta/README.md").read_text()


@pytest.mark.parametrize("info, says", [
    ("c quote=solutions/01-alpha/alpha.c#nothing", "has no region nothing"),
    ("c quote=solutions/01-alpha/alpha.c#1.1/2", "has no region 1.1/2"),
    ("c quote=solutions/01-alpha/alpha.c", "names no region"),
    ("c quote=solutions/none.c#x", "there is no file"),
    ("c quote=../../etc/passwd#x", "there is no file"),
    ("c", "this C is typed, not quoted")])
def test_a_wrong_quote_is_named_with_its_place(shop, info, says):
    path = shop.root / "chapters/02-beta/README.md"
    path.write_text(f"# Beta\n\n```{info}\n```\n")
    status, text = shop.run("weave")
    assert status == 2 and says in text and "README.md:3: " in text


def test_a_block_that_never_closes(shop):
    path = shop.root / "chapters/02-beta/README.md"
    path.write_text("\n```c quote=x#y\n")
    status, text = shop.run("weave")
    assert status == 2 and "README.md:2: this block is never closed" in text
