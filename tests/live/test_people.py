"""Who signs in, as a resource: leavers are told, refused, and kept when something stands open."""

from collections.abc import Iterator

import psycopg
import pytest

from strongroom.errors import StrongroomError
from strongroom.provider.local.people import People
from tests.live.local_stack import SMALL, LocalStack, Managed

pytestmark = pytest.mark.live

EVERYONE = {"ada": "Ada Okonkwo", "web": "", "zoe": "Zoe Ilves", "yuri": "Yuri Ito"}
LEFT = {role: EVERYONE[role] for role in ("ada", "web")}


@pytest.fixture(scope="module")
def server(own_stack: LocalStack) -> LocalStack:
    own_stack.primary.up(settings={**SMALL, "max_prepared_transactions": "2"})
    with own_stack.root() as root:
        root.execute("CREATE SCHEMA lab")
    return own_stack


@pytest.fixture
def people(server: LocalStack) -> Iterator[Managed]:
    with server.sign_in("provisioner") as provisioner:
        for role in ("zoe", "yuri"):
            provisioner.execute(f"CREATE ROLE {role} LOGIN".encode())
            provisioner.execute(f"GRANT CONNECT ON DATABASE app TO {role}".encode())
    with server.root() as root:
        root.execute("GRANT USAGE, CREATE ON SCHEMA lab TO zoe, yuri")
    made = Managed(People(), "people")
    made.create(directory=str(server.folder / "primary"), people=EVERYONE)
    yield made
    made.up(people=LEFT)
    with server.root() as root:
        root.execute("DROP ROLE zoe, yuri")


def test_who_leaves_is_told_once_and_nothing_is_left_to_do(
    server: LocalStack, people: Managed
) -> None:
    assert people.up().updates == ()
    with server.sign_in("zoe") as zoe:
        zoe.execute("CREATE TABLE lab.by_zoe (id int)")
    assert people.preview(people=LEFT).updates == ("people", "leaving")
    goes = "1 object in app given to app_owner"
    assert people.said[-2:] == [
        "yuri leaves: signing in is refused, rights on 2 objects taken, the role dropped",
        f"zoe leaves: signing in is refused, {goes}, rights on 2 objects taken, the role dropped",
    ]
    people.up(people=LEFT)
    assert people.preview(people=LEFT).updates == ()


def test_a_prepared_transaction_is_nobody_elses_to_decide_and_keeps_only_its_own_role(
    server: LocalStack, people: Managed
) -> None:
    with server.sign_in("yuri") as yuri:
        yuri.execute("CREATE TABLE lab.by_yuri (id int)")
        yuri.execute("BEGIN")
        yuri.execute("INSERT INTO lab.by_yuri VALUES (1)")
        yuri.execute("PREPARE TRANSACTION 'half done'")
    people.preview(people=LEFT)
    assert "but NOT its prepared transaction 'half done' in app" in people.said[-2]
    with pytest.raises(StrongroomError) as refused:
        people.up(people=LEFT)
    assert "yuri left prepared transactions ('half done' in app)" in str(refused.value)
    for role in ("yuri", "zoe"):
        with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
            server.sign_in(role)
    with server.root() as root:
        root.execute("COMMIT PREPARED 'half done'")
        people.up(people=LEFT)
        assert root.execute("SELECT id FROM lab.by_yuri").fetchone() == (1,)


def test_a_preview_of_a_stopped_server_says_what_will_be(
    server: LocalStack, people: Managed
) -> None:
    server.cluster.stop()
    people.preview(people=LEFT)
    assert people.said[-1] == (
        "zoe leaves: signing in is refused, what it owns is given to app_owner, the role dropped"
    )
    server.primary.up()


def test_a_new_role_of_the_same_person_is_told_to_be_another(people: Managed) -> None:
    people.preview(people={**LEFT, "yuri": "Yuri Ito", "zoe.ilves": "zoe ilves "})
    assert people.said[-1] == (
        "zoe.ilves is a new role, not zoe under another name: what zoe has is not carried over to "
        "zoe.ilves"
    )
