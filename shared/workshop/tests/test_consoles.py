"""Console blocks are run, and a wrong one is noticed."""

import os

import pytest

from skiffshop import consoles


def console(shop, block, info="console"):
    path = shop.root / "chapters/01-alpha/README.md"
    path.write_text(f"# Alpha\n\n```{info}\n{block}```\n")
    return shop.run("consoles")


@pytest.mark.parametrize("block", [
    "$ echo hello\nhello\n",
    "$ echo hello\nhel…\n",
    "$ seq 5\n1\n...\n5\n",
    "$ false\n(exit 1)\n",
    "$ sh -c 'echo x; exit 7'\nx\n(exit 7)\n",
    "$ X=1; cd /\n$ echo $X $PWD\n1 /\n",
    "$ printf no-newline\nno-newline\n$ echo x\nx\n",
    "$ for i in 1 2; do\n>   echo $i\n> done\n1\n2\n",
    "$ cat <<END\n> a\n> END\na\n",
    "$ echo out; echo err >&2\nout\nerr\n",
    "$ cat $R/etc/motd\nhello\n",
    "$ skiff run\nskiff run\n",
    "$ exit 3\n(exit 3)\n",
    "$ sleep 600 &\n$ echo on\non\n",
    "$ echo a; echo; echo b\na\n\nb\n",
    "$ ls\n",
])
def test_a_true_block_passes(shop, block):
    status, text = console(shop, block)
    assert status == 0, text


@pytest.mark.parametrize("block, says", [
    ("$ echo hello\nhallo\n", "shown:   hallo"),
    ("$ echo hello\n", "printed: hello"),
    ("$ true\nmore\n", "printed: (nothing more)"),
    ("$ false\n", "ended:   (exit 1)"),
    ("$ true\n(exit 1)\n", "ended:   (exit 0)"),
    ("$ exit 0\n$ echo x\nx\n", "never ran"),
    ("$ nosuchcommand\n(exit 1)\n", "(exit 127)"),
])
def test_a_false_block_is_noticed(shop, block, says):
    status, text = console(shop, block)
    assert status == 1 and says in text
    assert f"README.md:{5 if says == 'never ran' else 4}" in text


@pytest.mark.parametrize("info, block, says", [
    ("console norun", "$ true\n", "README.md:3: norun: every console block"),
    ("console", "output\n$ true\n", "README.md:4: a console block starts"),
    ("console", "", "README.md:3: this console block has no command"),
])
def test_a_wrong_block_is_refused(shop, info, block, says):
    status, text = console(shop, block, info)
    assert status == 2 and says in text


def test_the_stage_is_the_lessons_own_unless_named(shop):
    put = shop.root / "chapters/02-beta/README.md"
    put.write_text("```console\n$ true\n```\n\n"
                   "```console stage=01 user\n$ true\n```\n")
    (shop.root / "README.md").write_text("```console\n$ true\n```\n")
    front, first, second = consoles.list_blocks(shop.tree)
    assert (front.stage, front.where) == (2, "README.md:1")
    assert (first.stage, first.who) == (2, "root")
    assert (second.stage, second.who) == (1, "user")
    assert second.where == "chapters/02-beta/README.md:5"


def test_a_block_may_run_as_an_ordinary_user(shop, as_root):
    status, text = console(shop, "$ id -u\n65534\n$ touch $R/etc/x\n",
                           "console user")
    assert status == 0, text


def test_each_block_has_its_own_root(shop):
    for _ in range(2):
        status, text = console(shop, "$ rm $R/etc/motd\n")
        assert status == 0, text


def test_nothing_is_left_mounted(shop, as_root):
    before = open("/proc/self/mountinfo", encoding="utf-8").read()
    status, text = console(shop, "$ mount -t tmpfs none $R/etc\n")
    assert status == 0, text
    assert open("/proc/self/mountinfo", encoding="utf-8").read() == before


def test_a_block_for_root_is_not_skipped_silently(shop, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    status, text = console(shop, "$ true\n", "console root")
    assert status == 1 and "not run: it needs root" in text


def test_the_shell_that_hangs_is_ended(shop, monkeypatch):
    from skiffshop import machine
    patient = machine.run_script
    monkeypatch.setattr(machine, "run_script", lambda place, script, seconds,
                        extra=None: patient(place, script, 0.5, extra))
    status, text = console(shop, "$ sleep 60\n")
    assert status == 1 and "it took too long" in text
