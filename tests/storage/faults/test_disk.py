"""Full disks and failing syncs; `python -m tests.storage.faults.disk sweep 80` lets each sync fail in turn."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.storage.faults import disk


def unshared(mount: Path, size: str, program: list[str]) -> list[str]:
    """A command that has a small file system of its own at `mount`."""
    script = f'mount -t tmpfs -o size={size} tmpfs "$0" && exec "$@"'
    return ["unshare", "-rm", "sh", "-c", script, str(mount), *program]


def test_a_full_disk_refuses_whole_commits_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    if (
        shutil.which("unshare") is None
        or subprocess.run(unshared(tmp_path, "1m", ["true"]), capture_output=True, check=False).returncode
    ):
        pytest.skip("no file system of one's own can be mounted here (unshare -rm)")
    program = [sys.executable, "-m", "tests.storage.faults.disk", "full", str(tmp_path)]
    done = subprocess.run(
        unshared(tmp_path, "12m", program), cwd=disk.ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    _, refused = json.loads(done.stdout.splitlines()[-1])
    assert set(refused) == {"commit", "seal", "snapshot", "blob", "table"}, refused


@pytest.mark.parametrize("number", [1, 4, 7, 11, 18, 27, 45])
def test_the_first_failed_sync_ends_all_writing_and_loses_nothing(tmp_path: Path, number: int) -> None:
    if (
        shutil.which("strace") is None
        or subprocess.run(["strace", "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("strace, which makes a sync fail, is not here or may not trace")
    assert disk.trial(tmp_path, number) == "refused"
