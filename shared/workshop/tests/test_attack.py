"""Attacks: three columns, and no verdict without an escape that worked."""

import json

import pytest

ESCAPES = '#!/bin/sh\ncat "$CANARY_FILE"\n'
HALTED = '#!/bin/sh\necho "skiff: no such file"; exit 1\n'
GUARDED = ('#!/bin/sh\ncase $SKIFF_ARGS in --weak) cat "$CANARY_FILE";;\n'
           '*) echo "open: refused"; exit 1;; esac\n')


@pytest.fixture
def attack(shop, as_root):
    directory = shop.root / "tests/attacks/01-door"
    directory.mkdir(parents=True)

    def write(program, **changes):
        (directory / "attack.json").write_text(json.dumps({
            "title": "The door", "chapter": "01", "cve": "CVE-1-2",
            "stops_at": "1.2", "explains": "It was left open.",
            "needs_vm": False, "before": {"stage": 1, "args": ["--weak"]},
            "after": {"stage": 1, "args": []}, **changes}))
        (directory / "run").write_text(program)
        (directory / "run").chmod(0o755)
        return shop.run("attack", "CH=1")

    return write


def test_escaped_before_and_stopped_after(attack):
    status, text = attack(GUARDED)
    assert status == 0, text
    assert "escaped             stopped             not written yet" in text
    assert "before: canary-" in text and "after: open: refused" in text
    assert "The door (CVE-1-2)" in text


def test_the_learners_own_is_tried_when_written(attack, shop):
    shop.solve()
    status, text = attack(GUARDED)
    assert status == 0 and "yours: open: refused" in text


def test_given_code_stops_it_before_any_task_is_written(attack):
    status, text = attack(GUARDED, stops_at="given")
    assert status == 0 and "stopped by code that is given" in text
    assert "yours: open: refused" in text


def test_another_unwritten_task_is_no_defence(attack, shop):
    shop.solve()
    says = "skiff: task 1.1 (sum) is not written yet: x.c:1"
    status, text = attack(GUARDED.replace(
        "case", f'[ -n "$($SKIFF twice 1)" ] || {{ echo "{says}"; exit; }}\ncase',
        1))
    assert "yours: open: refused" in text
    shop.alpha.write_text(shop.alpha.read_text().replace(
        "return 2 * a;", 'return fputs("", stdout), exit(125), 0;'))
    status, text = attack((shop.root / "tests/attacks/01-door/run").read_text())
    assert "stopped             not written yet" in text


def test_an_escape_that_is_not_stopped(attack):
    assert attack(ESCAPES)[0] == 1


def test_an_attack_that_never_works_proves_nothing(attack):
    assert attack(HALTED)[0] == 1


def test_what_is_dangerous_stays_in_the_lab(attack):
    status, text = attack(ESCAPES, needs_vm=True)
    assert status == 0 and "Not tried, 1 of 1" in text and "make vm-run" in text and "canary-" not in text


def test_a_broken_description_is_named(attack, shop):
    path = shop.root / "tests/attacks/01-door/attack.json"
    attack(GUARDED)
    path.write_text("{")
    status, text = shop.run("attack", "CH=1")
    assert status == 2 and "tests/attacks/01-door/attack.json" in text


def test_an_attack_without_its_program_is_no_attack(attack, shop):
    attack(GUARDED)
    (shop.root / "tests/attacks/01-door/run").unlink()
    status, text = shop.run("attack", "CH=1")
    assert status == 2 and "no executable `run`" in text


def test_before_may_be_our_code_with_a_mistake(attack, shop):
    makefile = shop.root / "Makefile"
    makefile.write_text(makefile.read_text() + """
$(BUILD)/weak/%/skiff:
\t@mkdir -p $(dir $@)
\t@printf '#!/bin/sh\\necho weak\\n' > $@; chmod +x $@
""")
    mutant = shop.root / "tests/attacks/01-door/weak.mutant"
    mutant.write_text("task: 1.2\nabout: It forgets to lock.\n")
    status, text = attack(
        '#!/bin/sh\n[ "$("$SKIFF")" = weak ] && cat "$CANARY_FILE"\n',
        before={"stage": 1, "args": [], "weak": True})
    assert status == 0, text
    assert "one mistake: It forgets to lock." in text
