"""Alarms on what PostgreSQL's log tells, as values; what is looked for is in `log_patterns`."""

from components.aws.alarms import Alarm, Beyond, Measure, Silence
from strongroom.aws_names import Names


def log_alarms(names: Names) -> tuple[Alarm, ...]:
    """What PostgreSQL's log of the primary tells, see `log_patterns`."""
    where = f"It is in the log group {names.log_group(names.primary)}"

    def counted(metric: str) -> Measure:
        return Measure(names.metrics, metric, "Sum")

    return (
        _happened(
            "destroyed",
            f"Somebody dropped or truncated something, or tried to. {where}: who, from where, and "
            "the statement. If it is no migration you know of: pause the delayed replica at once "
            "(pg_wal_replay_pause), then recover from it.",
            counted("Destroyed"),
        ),
        _happened(
            "rights",
            "Somebody but the provisioner and root's function changed a right, a role or an owner. "
            f"{where}. `strongroom drift` shows what it changed; `up --refresh` puts it right.",
            counted("Rights"),
            less=counted("RightsAsDeclared"),
        ),
        _happened(
            "root-signed-in",
            f"Root signed in, and it was not its function. {where}. If nobody broke the glass, "
            "rotate root's password now and end the session.",
            counted("RootSignedIn"),
        ),
        _happened(
            "root-statement",
            "Root ran statements while its function had not signed in for a quarter of an hour. "
            f"{where}. If nobody broke the glass, rotate root's password now and end the session.",
            counted("RootStatement"),
            unless=counted("RootByFunction"),
            period=900,
        ),
        _happened(
            "stopped",
            f"The guard stopped a statement that would have dropped what it guards. {where}. Ask "
            "whoever ran it what they were about to do: most likely the wrong database.",
            counted("Stopped"),
        ),
        Alarm(
            "heartbeat",
            "No commit arrived on the primary for five minutes: it is down, full, or the job of "
            "pg_cron is gone. Without commits the delayed replica does not hold a DROP back. "
            "See the instance's events in RDS, then cron.job.",
            counted("Heartbeat"),
            1,
            Beyond.BELOW,
            Silence.ALARMING,
            periods=5,
        ),
        *refusal_alarms(names, "primary", names.primary),
    )


def refusal_alarms(names: Names, where: str, identifier: str) -> tuple[Alarm, ...]:
    """Whoever tries what they may not, on one instance."""
    group = names.log_group(identifier)
    return (
        _happened(
            f"{where}-sign-in",
            f"Five failed sign-ins in five minutes on the {where}. See {group}: by one person "
            "it is an old token, by many names or from elsewhere somebody is guessing.",
            Measure(names.metrics, metric_on(where, "SignInFailed"), "Sum"),
            period=300,
            allowed=4,
        ),
        _happened(
            f"{where}-refused",
            f"Five statements were refused in five minutes on the {where}. See {group}: a script "
            "with the wrong role, or somebody trying what they may not.",
            Measure(names.metrics, metric_on(where, "Refused"), "Sum"),
            period=300,
            allowed=4,
        ),
    )


def metric_on(where: str, metric: str) -> str:
    """The name of a metric from the log of one instance; the primary's are called as they are."""
    return metric if where == "primary" else f"{where.capitalize()}{metric}"


def _happened(
    name: str,
    means: str,
    measure: Measure,
    *,
    period: int = 60,
    allowed: int = 0,
    less: Measure | None = None,
    unless: Measure | None = None,
) -> Alarm:
    """Something that happened more often than it may: it has no end, and silence is good."""
    return Alarm(
        name, means, measure, allowed, Beyond.ABOVE, Silence.FINE, period,
        less=less, unless=unless, ends=False,
    )  # fmt: skip
