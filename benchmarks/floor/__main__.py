"""Resources that are nothing, with the inputs FLOOR_INPUTS lists; FLOOR_CHANGED changes one."""

import json
import os
from pathlib import Path

import pulumi

for number, inputs in enumerate(json.loads(Path(os.environ["FLOOR_INPUTS"]).read_text())):
    changed = {"value": "changed"} if number == 0 and "FLOOR_CHANGED" in os.environ else {}
    pulumi.CustomResource("floor:index:Nothing", f"nothing-{number:05}", {**inputs, **changed})
