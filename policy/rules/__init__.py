"""Every rule of the pack, by subject."""

from policy.rule import Rule
from policy.rules import (
    alarms,
    backups,
    events,
    exposure,
    floor,
    instances,
    network,
    protection,
    roles,
    secrets,
    tags,
)

_SUBJECTS = (
    *(instances, floor, backups, events, tags, network, exposure, alarms, protection),
    *(roles, secrets),
)

#: All rules, in the order of their subjects and files.
RULES: tuple[Rule, ...] = tuple(
    each for subject in _SUBJECTS for each in vars(subject).values() if isinstance(each, Rule)
)
