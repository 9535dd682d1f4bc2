"""Resources that are nothing, as many as FLOOR_COUNT says; with FLOOR_CHANGED one is changed."""

import os

import pulumi

for number in range(int(os.environ["FLOOR_COUNT"])):
    changed = number == 0 and "FLOOR_CHANGED" in os.environ
    value = "changed" if changed else f"{number}"
    pulumi.CustomResource("floor:index:Nothing", f"nothing-{number:05}", {"value": value})
