"""What is looked for in PostgreSQL's log: patterns, and the metrics they count into.

RDS writes ``%t:%r:%u@%d:[%p]:`` before a line; ``log_statement = mod`` gives one for each statement
that changes something, and pgaudit (``ddl,role``) one in its own words, whatever the statement
looked like: it also sees what a function or a DO block does. Either of them counts.

A pattern is one of two things: phrases, where ``?`` before each means any of them, and without it
all, ``-`` none of; or between two ``%`` a regular expression, without groups, of which a log group
may have five. Both distinguish upper and lower case.
"""

from dataclasses import dataclass

from strongroom.tiers import PROVISIONER

#: What `strongroom.tell_heartbeat()` writes once a minute while beats are committed.
HEARTBEAT = "strongroom heartbeat: commits arrive"

#: What Strongroom's own sessions are called; its function is root's only user.
OWN_NAME = "strongroom"


@dataclass(frozen=True)
class LogPattern:
    """A pattern whose every match counts one.

    Attributes:
        name: tells it from the others; lower case and hyphens.
        metric: what it counts into; several may count into one.
        pattern: as CloudWatch reads it, 1,024 characters at most.
    """

    name: str
    metric: str
    pattern: str


def _word(word: str) -> str:
    """A word in upper or lower case."""
    return "".join(f"[{letter.upper()}{letter}]" for letter in word)


def _words(text: str) -> str:
    return r"\s+".join(map(_word, text.split())) + r"\s"


#: Where a statement begins: after "statement:" or "execute name:", after another, or a comment.
#: In a text on the same line it can stand as well; a false alarm then and now is worth it.
_BEGINS = r".*[:;/]\s*"

#: CREATE, ALTER or DROP; not SET.
_CHANGES = _BEGINS + r"[A-Za-z]{4,6}\s+"

#: The first word of pgaudit's line, up to the class of the statement.
_AUDITED = r"\s*AUDIT:\s\S+,"

#: How the names of what holds data, or cannot be without it, begin, from AGGREGATE to VIEW. DROP
#: EVENT TRIGGER and DROP OWNED are changes of rights, which root's function makes as well.
_KINDS = ("[AaCcDdFfIiLlMmSsVv]", "[Ee][Xx]", "[Pp][RrUu]", "[Tt][AaEeYy]")

_DESTROYED = (
    *(f"{_BEGINS}{_word('drop')}\\s+{kind}" for kind in _KINDS),
    _BEGINS + _words("truncate"),
    ".*" + _words("drop column"),
    *(f"{_AUDITED}DDL,DROP\\s{kind}" for kind in _KINDS),
    # With the object's kind in the column after it, one that is gone.
    _AUDITED + r"DDL,ALTER\sTABLE,TABLE\sCOLUMN,",
)

#: What the provisioner and root's function do as well, for what files declare.
_RIGHTS = (
    _BEGINS + _words("grant"),
    _BEGINS + _words("revoke"),
    _CHANGES + _words("role"),
    _CHANGES + _words("user"),
    _BEGINS + _words("alter default"),
    _BEGINS + _words("reassign"),
    _BEGINS + _words("drop owned"),
    _CHANGES + _words("event trigger"),
    ".*" + _words("owner to"),
    _AUDITED + "ROLE,",
    _AUDITED + r"DDL,DROP\sOWNED,",
    _AUDITED + r"DDL,[A-Z]+\sEVENT\sTRIGGER,",
)

_MORE_RIGHTS = (
    _CHANGES + _words("policy"),
    ".*" + _words("row level"),
    ".*" + _words("disable trigger"),
    _AUDITED + r"DDL,[A-Z]+\sPOLICY,",
)


def _regex(alternatives: tuple[str, ...], role: str = "") -> str:
    """Any of them, in a line of this role's or of anybody's.

    From the beginning of the line on, which RDS writes: what follows it, anybody can write.
    """
    line = rf"^\S+\s\S+\s\S+:{role}@\S+\s" if role else r"^\S+\s\S+\s\S+\s"
    return f"%{'|'.join(line + each for each in alternatives)}%"


def _phrases(*phrases: str, mark: str = "") -> str:
    return " ".join(f'{mark}"{phrase}"' for phrase in phrases)


REFUSALS = (
    LogPattern(
        "sign-in-failed",
        "SignInFailed",
        _phrases(
            "authentication failed for user",
            "no pg_hba.conf entry for host",
            "is not permitted to log in",
            "FATAL:  role",
            mark="?",
        ),
    ),
    LogPattern(
        "refused",
        "Refused",
        _phrases(
            "ERROR:  permission denied",
            "ERROR:  must be owner of",
            "ERROR:  must be member of",
            mark="?",
        ),
    ),
)

#: Of a replica's log: nothing can be changed there.
ON_A_REPLICA = REFUSALS


def on_the_primary(root: str) -> tuple[LogPattern, ...]:
    """Of the primary's log, where everything is done.

    Args:
        root: what root is called there.
    """
    signed_in = f"connection authorized: user={root} "
    return (
        LogPattern("destroyed", "Destroyed", _regex(_DESTROYED)),
        LogPattern("rights", "Rights", _regex(_RIGHTS + _MORE_RIGHTS)),
        *(
            LogPattern(f"rights-{name}", "RightsAsDeclared", _regex(_RIGHTS, role))
            for name, role in (("provisioner", PROVISIONER), ("root", root))
        ),
        *REFUSALS,
        LogPattern("stopped", "Stopped", _phrases("ERROR:  Strongroom stopped this")),
        LogPattern(
            "root-signed-in",
            "RootSignedIn",
            f'{_phrases(signed_in)} -"application_name={OWN_NAME} "',
        ),
        LogPattern(
            "root-by-function",
            "RootByFunction",
            _phrases(signed_in, f"application_name={OWN_NAME} "),
        ),
        LogPattern("root-statement", "RootStatement", _phrases(f":{root}@", "statement:")),
        LogPattern("heartbeat", "Heartbeat", _phrases(HEARTBEAT)),
    )
