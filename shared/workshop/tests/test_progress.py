"""The progress file, and what is done about a broken one."""

import json
import os

import pytest

from skiffshop.progress import Progress


@pytest.mark.parametrize("broken", [
    "{", "", "[]", '{"tasks": 3}', '{"tasks": {"1.1": 4}}', "\x00"])
def test_a_broken_file_is_told_and_kept(shop, broken):
    (shop.root / ".progress.json").write_text(broken)
    status, text = shop.run("status")
    kept, = shop.root.glob(".progress.json.broken-*")
    assert status == 0 and kept.read_text() == broken and kept.name in text
    assert "0 of 3 tasks" in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_file_is_written_whole(shop):
    progress = Progress(shop.tree)
    progress.tasks["1.1"] = "passed"
    progress.save()
    assert Progress(shop.tree).tasks == {"1.1": "passed"}
    assert not list(shop.root.glob(".progress.json.*"))


def test_under_sudo_it_belongs_to_the_person(shop, as_root, monkeypatch):
    monkeypatch.setenv("SUDO_UID", "1234")
    monkeypatch.setenv("SUDO_GID", "1235")
    shop.solve()
    shop.run("check", "CH=1")
    shop.run("reset", "CH=1")
    made = [shop.root / ".progress.json", shop.root / "build/learner/skiff",
            *(shop.root / "build/backup").iterdir(), shop.alpha]
    assert len(made) == 4
    for path in made:
        status = os.stat(path)
        assert (status.st_uid, status.st_gid) == (1234, 1235), path
    root_file = shop.root / "build/images/busybox/rootfs/etc/motd"
    assert os.stat(root_file).st_uid == 0


def test_status_shows_bars_and_what_is_next(shop):
    (shop.root / ".progress.json").write_text(json.dumps(
        {"tasks": {"1.1": "passed", "1.2": "waits for 1.1"}}))
    shop.solve("01-alpha/alpha.c")
    status, text = shop.run("status")
    assert status == 0
    assert "1 of 3 tasks" in text and "1/2" in text
    assert "next: 1.2 twice" in text and "waits for 1.1" in text
    assert "\x1b" not in text and len(text.splitlines()) <= 24


def test_who_starts_at_chapter_two_is_not_sent_back(shop):
    shop.solve("02-beta/beta.c")
    assert "next: 2.1 minus" in shop.run("status")[1]


def test_who_checked_chapter_two_stays_there(shop):
    shop.run("check", "CH=2")
    assert "next: 2.1 minus" in shop.run("status")[1]
    (shop.root / "tests/chapters/test_02_beta.py").write_text(
        'import pytest\n\n@pytest.mark.task("2.1")\ndef test():\n    pass\n')
    shop.solve("02-beta/beta.c")
    assert shop.run("check", "CH=2")[0] == 0
    assert "next: 1.1 sum" in shop.run("status")[1]


def test_status_when_all_is_done(shop):
    shop.solve()
    (shop.root / ".progress.json").write_text(json.dumps(
        {"tasks": {"1.1": "passed", "1.2": "passed", "2.1": "passed"}}))
    assert "Every task of every chapter passes" in shop.run("status")[1]
