"""What is known of a cluster without starting one: paths, ports, locks, files, errors."""

import json
import multiprocessing
import os
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from strongroom.cluster.cluster import Cluster, refuse_long_socket
from strongroom.cluster.configuration import LOOPBACK
from strongroom.cluster.lock import locked
from strongroom.cluster.package import ServerPackage
from strongroom.cluster.port import free_port, taken
from strongroom.cluster.server_log import ServerLog
from strongroom.cluster.stack import StackFolder, sign_in
from strongroom.cluster.system_user import SystemUser
from strongroom.errors import StrongroomError

ME = SystemUser.current()


def _cluster(folder: Path, port: int = 15432) -> Cluster:
    return Cluster(folder, port, ServerPackage(Path("/opt/pg/bin"), "17.10"), ME)


def test_a_cluster_is_found_again_by_what_was_written_down(tmp_path: Path) -> None:
    cluster = _cluster(tmp_path / "primary")
    cluster.prepare_folders()
    assert not cluster.remembered()
    cluster.remember()
    assert Cluster.at(cluster.directory) == cluster
    assert cluster.remembered()
    assert not _cluster(tmp_path / "primary", 15433).remembered()


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"port": 1}', "garbage"])
def test_where_no_cluster_is_the_error_says_how_to_get_one(
    tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "cluster.json").write_text(content)
    with pytest.raises(StrongroomError) as refused:
        Cluster.at(tmp_path)
    assert f"There is no cluster in {tmp_path}" in str(refused.value)
    assert "`make up`" in str(refused.value)


def test_a_cluster_that_was_never_started_is_not_running(tmp_path: Path) -> None:
    cluster = _cluster(tmp_path)
    assert not cluster.exists()
    assert not cluster.running()
    cluster.data.mkdir()
    (cluster.data / "postmaster.pid").write_text(f"{os.getpid()}\n{cluster.data}\n")
    assert not cluster.running(), "a stranger's process is no server of ours"


def test_a_process_is_the_servers_when_it_works_in_the_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = _cluster(tmp_path)
    cluster.data.mkdir()
    (cluster.data / "postmaster.pid").write_text(f"{os.getpid()}\n")
    monkeypatch.chdir(cluster.data)
    assert cluster.running()


def test_ours_win_over_a_stacks_settings(tmp_path: Path) -> None:
    settings = _cluster(tmp_path).settings({"ssl": "off", "port": "1", "work_mem": "8MB"})
    assert (settings["ssl"], settings["port"], settings["work_mem"]) == ("on", "15432", "8MB")


def test_only_files_that_differ_are_written(tmp_path: Path) -> None:
    cluster = _cluster(tmp_path)
    cluster.data.mkdir()
    names = ["postgresql.conf", "postgresql.auto.conf", "pg_hba.conf", "pg_ident.conf"]
    assert cluster.configure({}) == names
    assert cluster.configure({}) == []
    (cluster.data / "pg_hba.conf").write_text("local all all trust\n")
    assert cluster.misconfigured({}) == ["pg_hba.conf"]
    assert cluster.configure({"work_mem": "8MB"}) == ["postgresql.conf", "pg_hba.conf"]


def test_something_unfinished_gets_a_name_of_its_own_and_leftovers_go(tmp_path: Path) -> None:
    cluster = _cluster(tmp_path)
    first = cluster.fresh("data")
    first.mkdir()
    (first / "PG_VERSION").write_text("17")
    second = cluster.fresh("data")
    assert second != first
    assert not first.exists()
    assert second.parent == cluster.directory


@pytest.mark.parametrize(("length", "fits"), [(87, True), (88, True), (89, False), (200, False)])
def test_a_folder_too_long_for_a_socket_is_refused(length: int, fits: bool) -> None:
    # 107 bytes hold the folder, "/run" and "/.s.PGSQL.65535".
    directory = Path("/" + "x" * (length - 1))
    why = refuse_long_socket(directory)
    assert (why is None) == fits
    if why:
        assert f"is too long by {length - 88} bytes" in why
        assert "STRONGROOM_HOME" in why


def test_a_long_name_is_counted_in_bytes() -> None:
    assert refuse_long_socket(Path("/" + "ö" * 43)) is None
    assert refuse_long_socket(Path("/" + "ö" * 44)) is not None


def test_a_port_is_the_same_for_the_same_seed_while_it_is_free() -> None:
    port = free_port(b"seed")
    assert port == free_port(b"seed")
    assert 15432 <= port < 25432
    with socket.socket() as listener:
        listener.bind((LOOPBACK, port))
        listener.listen()
        assert taken(port)
        assert free_port(b"seed") != port
    assert not taken(port)


def test_different_seeds_rarely_share_a_port() -> None:
    assert len({free_port(str(n).encode()) for n in range(20)}) >= 19


def test_no_free_port_is_one_paragraph(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strongroom.cluster.port.taken", lambda _: True)
    with pytest.raises(StrongroomError, match="No free port was found between 15432 and 25431"):
        free_port(b"seed")


def _hold(path: Path, started: Any, seconds: float) -> None:
    with locked(path, path, 1):
        started.set()
        time.sleep(seconds)


def test_a_lock_is_held_against_other_processes_and_waited_for(tmp_path: Path) -> None:
    spawning = multiprocessing.get_context("spawn")
    started = spawning.Event()
    holder = spawning.Process(target=_hold, args=(tmp_path / "lock", started, 0.5))
    holder.start()
    assert started.wait(20)
    with (
        pytest.raises(StrongroomError, match="Another process of Strongroom has been working on"),
        locked(tmp_path / "lock", tmp_path, 0.1),
    ):
        pytest.fail("two at once")
    with locked(tmp_path / "lock", tmp_path, 10):
        pass
    holder.join()
    assert holder.exitcode == 0


def test_a_lock_is_held_against_other_threads_too(tmp_path: Path) -> None:
    started = threading.Event()
    holder = threading.Thread(target=_hold, args=(tmp_path / "lock", started, 0.3))
    holder.start()
    started.wait()
    before = time.monotonic()
    with locked(tmp_path / "lock", tmp_path, 10):
        assert time.monotonic() - before > 0.1
    holder.join()


def test_the_reason_a_server_ended_is_its_last_words_of_weight(tmp_path: Path) -> None:
    old = tmp_path / "postgresql-2026-01-01.json"
    old.write_text(json.dumps({"error_severity": "FATAL", "message": "long ago"}) + "\n")
    log = ServerLog(tmp_path)
    assert log.reason() == ""
    (tmp_path / "startup.log").write_text("LOG:  redirecting log output\nHINT:  look there\n")
    assert log.reason() == "LOG:  redirecting log output / HINT:  look there"
    lines = [
        {"error_severity": "LOG", "message": "starting"},
        {"error_severity": "FATAL", "message": "could not", "detail": "because", "hint": "do"},
        {"error_severity": "LOG", "message": "shut down"},
    ]
    with old.open("a") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    assert log.reason() == "FATAL: could not because do"


def test_the_reason_before_the_log_is_json_is_read_as_well(tmp_path: Path) -> None:
    log = ServerLog(tmp_path)
    (tmp_path / "startup.log").write_text("2026 LOG:  x\n2026 FATAL:  no room\n[1]\nnull\n")
    assert log.reason() == "2026 FATAL:  no room"


def test_the_clusters_of_a_stack_are_told_primary_first(tmp_path: Path) -> None:
    for name in ("analytics", "primary", "replica"):
        cluster = _cluster(tmp_path / name)
        cluster.prepare_folders()
        cluster.remember()
    (tmp_path / "ca").mkdir()
    names = [cluster.directory.name for cluster in StackFolder(tmp_path).clusters()]
    assert names == ["primary", "analytics", "replica"]
    assert StackFolder(tmp_path).primary.directory.name == "primary"
    assert StackFolder.of(tmp_path / "replica").path == tmp_path


def test_clusters_set_aside_twice_do_not_meet(tmp_path: Path) -> None:
    stack = StackFolder(tmp_path)
    kept = []
    for _ in range(2):
        cluster = _cluster(tmp_path / "primary")
        cluster.prepare_folders()
        kept.append(stack.set_aside(cluster))
        assert not cluster.directory.exists()
    assert len(set(kept)) == 2
    assert {path.parent for path in kept} == {stack.final_snapshots}


def test_signing_in_names_a_certificate_and_no_password(tmp_path: Path) -> None:
    stack = StackFolder(tmp_path)
    parameters = sign_in(
        _cluster(tmp_path), "ada", stack.provisioner, stack.authority.certificate, "app"
    )
    assert parameters == {
        "host": "127.0.0.1",
        "port": "15432",
        "user": "ada",
        "dbname": "app",
        "sslmode": "verify-full",
        "sslrootcert": str(tmp_path / "ca" / "ca.crt"),
        "sslcert": str(tmp_path / "provisioner" / "provisioner.crt"),
        "sslkey": str(tmp_path / "provisioner" / "provisioner.key"),
    }
