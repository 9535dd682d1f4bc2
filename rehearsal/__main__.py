"""What `make rehearse` calls: `python -m rehearsal STACK [--take-over] [--report FOLDER]`."""

import argparse
import signal
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

from strongroom.errors import StrongroomError

#: Something is not as it should be, as for `strongroom`.
_WRONG = 3


def main(arguments: list[str]) -> int:
    """Rehearse one stack; returns the exit code."""
    parser = argparse.ArgumentParser("rehearsal", description=__doc__)
    parser.add_argument("stack", help="The environment to rehearse, such as production.")
    parser.add_argument("--no-checkov", action="store_true", help="Leave checkov out.")
    parser.add_argument(
        "--take-over", action="store_true", help="Take over an instance that exists."
    )
    parser.add_argument("--report", type=Path, default=Path("build"), help="Where it is written.")
    parser.add_argument("--in", dest="inside", type=Path, help="Where the scene is set.")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupted)
    try:
        return _rehearse(given)
    except StrongroomError as error:
        _tell(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        _tell("interrupted; what ran is ended and what was made is gone.")
        return 130


def _rehearse(given: argparse.Namespace) -> int:
    from rehearsal import report, takeover
    from rehearsal.acts import acts
    from rehearsal.play import Play
    from rehearsal.scene import scene

    inside = given.inside or Path(tempfile.gettempdir())
    with scene(given.stack, inside) as stage:
        steps = takeover.acts if given.take_over else acts
        result = Play(stage, _tell, with_checkov=not given.no_checkov, steps=steps).run()
        transcript = stage.transcript.read_text(encoding="utf-8")
    page = report.write(result, given.report, transcript)
    for line in report.lines(result):
        sys.stdout.write(f"{line}\n")
    _tell(f"the report is in {page}")
    return _WRONG if result.wrong else 0


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _interrupted(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
