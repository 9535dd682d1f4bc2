"""The pack as the engine starts it: by its folder, or by policy/run."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # Python was given this folder; modules are named from the checkout.
    sys.path[0] = str(Path(__file__).absolute().parents[1])

    from policy.analyzer import serve

    serve()
