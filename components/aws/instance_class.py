"""What the name of an RDS instance class says of it."""

#: Memory of the size `large` in GiB, by the family's first letter (RDS user guide, "DB instance
#: classes"); of a family that is not here, as little as the smallest of them has.
_LARGE = {"t": 8, "m": 8, "r": 16, "x": 32, "c": 4}

#: The other sizes, by what they have of a `large`.
_SIZES = {"micro": 0.125, "small": 0.25, "medium": 0.5, "large": 1.0, "xlarge": 2.0}


def memory_gib(instance_class: str) -> float:
    """The memory of an instance class, in GiB.

    Args:
        instance_class: such as ``db.m7g.large``.
    """
    _, family, size = instance_class.split(".")[:3]
    large = _LARGE.get(family[0], min(_LARGE.values()))
    if size.endswith("xlarge") and size != "xlarge":
        return large * 2.0 * int(size.removesuffix("xlarge"))
    return large * _SIZES.get(size, 1.0)


def is_burstable(instance_class: str) -> bool:
    """Whether it earns and spends CPU credits."""
    return instance_class.split(".")[1].startswith("t")


def most_connections(instance_class: str) -> int:
    """RDS's default of max_connections: memory in bytes by 9,531,392, up to 5,000.

    A little of the memory is the system's, so this is a little too much.
    """
    return min(5000, int(memory_gib(instance_class) * 2**30 / 9_531_392))
