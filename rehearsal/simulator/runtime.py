"""What Lambda's runtime does: call a function's handler and write down what came of it.

Started as a program of its own, in the folder of the function's code, by `functions`:
``runtime.py CODE HANDLER ANSWER`` with the event on standard input.
"""

import importlib
import json
import sys
import traceback
from pathlib import Path


def main(code: str, handler: str, answer: str) -> None:
    """Call ``module.function`` from the folder `code`; the answer goes to the file `answer`."""
    sys.path.insert(0, code)
    event = json.load(sys.stdin)
    try:
        module, _, function = handler.rpartition(".")
        found = getattr(importlib.import_module(module.replace("/", ".")), function)(event, None)
        said = {"failed": False, "payload": json.dumps(found)}
    except Exception as error:  # noqa: BLE001 - whatever it is, Lambda answers with it
        told = {
            "errorMessage": str(error),
            "errorType": type(error).__name__,
            "stackTrace": traceback.format_tb(error.__traceback__),
        }
        said = {"failed": True, "payload": json.dumps(told)}
    Path(answer).write_text(json.dumps(said))


if __name__ == "__main__":
    main(*sys.argv[1:])
