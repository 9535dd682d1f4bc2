"""The one kind of error a user of Strongroom reads."""


class StrongroomError(Exception):
    """Something a person can act on, told in one paragraph.

    The message names the value, the rule it breaks, the consequence and the remedy. It never
    holds a secret. The command line prints it as it is and exits with ``exit_code``; the
    provider hands it to the engine as the reason a resource failed.
    """

    exit_code = 1


class SettingsError(StrongroomError):
    """Settings or a roster that cannot be used; every mistake is in the one message."""

    exit_code = 2

    def __init__(self, where: str, problems: list[str]) -> None:
        """Collect what is wrong.

        Args:
            where: the file or source the problems were found in.
            problems: one sentence or more for each mistake, at least one.
        """
        self.problems = problems
        count = "1 mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
        lines = "".join(f"\n  - {problem}" for problem in problems)
        super().__init__(f"{where}: {count}; nothing was changed.{lines}")
