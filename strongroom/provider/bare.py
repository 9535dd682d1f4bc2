"""The engine's messages without the SDK around them.

To import `pulumi` takes as long as everything else that a plugin imports, and in a preview plugins
start three times, one after another. A plugin needs no more of it than the messages.
"""

import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType


def without_sdk() -> None:
    """Let what lies in `pulumi` and `pulumi.runtime` be imported, but not them.

    For a process that is a plugin and nothing else, before it imports anything of the SDK.
    """
    found = find_spec("pulumi")
    if "pulumi" in sys.modules or not found or not found.submodule_search_locations:
        return
    folder = Path(found.submodule_search_locations[0])
    for name, path in (("pulumi", folder), ("pulumi.runtime", folder / "runtime")):
        package = ModuleType(name)
        package.__path__ = [str(path)]
        sys.modules[name] = package
