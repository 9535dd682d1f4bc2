"""What `make function` calls: `python -m strongroom.packing [STACK …]`."""

import sys
from pathlib import Path

from strongroom.errors import StrongroomError
from strongroom.home import Home
from strongroom.packing import pack
from strongroom.reading.stack_files import STACKS


def main(stacks: list[str]) -> int:
    """Pack the function of some stacks; of every one on AWS when none is named.

    Returns:
        The exit code.
    """
    try:
        home = Home.find()
        for stack in stacks or _all(home.checkout):
            if packed := pack(home.checkout, stack):
                sys.stdout.write(f"{packed.path}\n")
    except StrongroomError as error:
        sys.stderr.write(f"strongroom: {error}\n")
        return error.exit_code
    return 0


def _all(checkout: Path) -> list[str]:
    files = sorted((checkout / STACKS).glob("Pulumi.*.yaml"))
    return [path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in files]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
