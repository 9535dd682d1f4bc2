"""What Review declares: every person's rights, once everything that gives rights is there."""

from strongroom.rights.declared import declared
from strongroom.rights.stated import stated, understood
from tests.unit.declared_stack import (
    FUTURE,
    GRANT,
    MATRIX,
    MEMBERS,
    MEMBERSHIPS,
    ROLE,
    SERVICES,
    before,
    declare,
)


def test_the_matrix_states_everybodys_rights_and_comes_after_all_that_gives_them() -> None:
    stack = declare()
    (matrix,) = stack.of_type(MATRIX)
    assert matrix.request.deletedWith == stack.named("primary-server").urn
    assert {*matrix.inputs["effective"]} == {one.role for one in (*MEMBERS, *SERVICES)}
    areas = matrix.inputs["effective"]["ada"].split("; ")
    assert (
        "tables in app: SELECT (tier_reader), INSERT, UPDATE (tier_writer), "
        "DELETE, TRUNCATE, MAINTAIN (tier_full)" in areas
    )
    assert "after SET ROLE app_owner: tables in app: OWNER (app_owner)" in areas
    assert "password" not in matrix.inputs["signIn"]
    earlier = before(stack, matrix)
    for one in stack.registered:
        if one.type in (ROLE, GRANT, FUTURE, MEMBERSHIPS):
            assert one.urn in earlier, one.name


def test_rights_are_understood_as_they_were_stated() -> None:
    for held in declared(("app", "billing"), MEMBERS, SERVICES).values():
        assert understood(stated(held)) == tuple(sorted(held))
