"""Which runs of `pulumi` a command of ours is."""

from strongroom.engine import POLICIES

# No preview before an `up`: `make preview` is for reading, and it would double the time. But a
# `destroy` needs its own: there deletion protection stops it before anything is gone, while the
# destroy itself would first delete every role and right and only then come to what is protected.
_BASE = {
    "up": ["up", "--yes", "--skip-preview", "--policy-pack", POLICIES],
    "preview": ["preview", "--policy-pack", POLICIES],
    "destroy": ["destroy", "--yes"],
}


def runs(command: str, rest: list[str], *, compare: bool, serves: bool) -> list[list[str]]:
    """The runs of `pulumi` that make up `command`, in order.

    `--refresh` is what notices a role or grant changed by hand: one to two seconds on the local
    stack. It asks the primary, and it asks before anything is put right; so while the primary is
    down, an `up` first starts it and then looks. Whoever passes --refresh or --refresh=false
    decides for themselves.

    Args:
        command: up, preview or destroy.
        rest: more arguments for `pulumi`.
        compare: whether there is any role or right yet to compare with reality.
        serves: whether the primary answers.
    """
    plain = [*_BASE[command], *rest]
    chosen = any(argument.split("=")[0] in ("--refresh", "-r") for argument in rest)
    if command == "destroy" or chosen or not compare:
        return [plain]
    refreshed = [*plain, "--refresh"]
    if serves:
        return [refreshed]
    return [plain, refreshed] if command == "up" else [plain]
