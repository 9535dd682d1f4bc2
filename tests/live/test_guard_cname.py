"""A CNAME is followed by the system's own resolver, asked in a network of the test's own."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.live

_CNAME = textwrap.dedent(
    """\
    import socket, struct, sys, threading
    from pathlib import Path

    ADDRESSES = {"db.example.com": "192.0.2.77"}
    ALIASES = {"innocent.example": "db.example.com", "cluster.example": "x.rds.example.net"}

    def encoded(name):
        return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\\0"

    def answer(query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode())
            at += 1 + query[at]
        name = ".".join(labels).lower()
        question, kind = query[12 : at + 5], struct.unpack("!H", query[at + 1 : at + 3])[0]
        records = []
        if name in ALIASES:
            target = encoded(ALIASES[name])
            record = encoded(name) + struct.pack("!HHIH", 5, 1, 60, len(target)) + target
            records.append(record)
            name = ALIASES[name]
        known = name in ADDRESSES or name.endswith(".rds.example.net")
        if known and kind == 1:
            address = socket.inet_aton(ADDRESSES.get(name, "192.0.2.88"))
            records.append(encoded(name) + struct.pack("!HHIH", 1, 1, 60, 4) + address)
        flags = 0x8180 if records or known else 0x8183
        head = query[:2] + struct.pack("!HHHHH", flags, 1, len(records), 0, 0)
        return head + question + b"".join(records)

    def serve(server):
        while True:
            query, client = server.recvfrom(512)
            server.sendto(answer(query), client)

    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    threading.Thread(target=serve, args=(server,), daemon=True).start()

    from strongroom.guard.declared import Guarded
    from strongroom.guard.hosts import Place
    from strongroom.guard.matching import Matcher
    from strongroom.guard.targets import Origin, Target

    places = tuple(map(Place.parse, ["db.example.com", "*.rds.example.net"]))
    matcher = Matcher((Guarded("production", places),), look=False)
    for host in sys.argv[1:]:
        found = matcher.findings([Target(Origin("x"), host)])
        print(host, *(f"{one.match.declared} {one.match.how}" for one in found))
    """
)


def test_a_cname_is_followed_by_the_systems_own_resolver(tmp_path: Path) -> None:
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    (tmp_path / "cname.py").write_text(_CNAME)
    # A network and mounts of its own, so that nothing of this machine is changed or asked.
    script = (
        "ip link set lo up 2>/dev/null || ifconfig lo up; "
        f"mount --bind {tmp_path}/resolv.conf /etc/resolv.conf && "
        f"exec {sys.executable} {tmp_path}/cname.py innocent.example cluster.example db.example.com"
        " other.example"
    )
    try:
        done = subprocess.run(
            ["unshare", "-rmn", "sh", "-c", script],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    except FileNotFoundError:
        pytest.skip("there is no unshare")
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip(f"no namespaces here: {done.stderr.strip()}")
    assert done.stdout.splitlines() == [
        "innocent.example db.example.com name",
        "cluster.example *.rds.example.net name",
        "db.example.com db.example.com name",
        "other.example",
    ], done.stderr
