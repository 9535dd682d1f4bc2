"""Packs the function that acts as root on AWS: from the same sources always the same bytes."""

from strongroom.packing.packing import LAMBDA, Packed, Packing, pack
from strongroom.packing.wheels import Target

__all__ = ["LAMBDA", "Packed", "Packing", "Target", "pack"]
