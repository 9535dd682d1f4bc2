"""Which of PostgreSQL's own settings a stack may choose, and which are Strongroom's."""

import re
from collections.abc import Mapping
from types import MappingProxyType

#: A setting's name; one with a dot belongs to an extension. PostgreSQL's are told apart without
#: regard to case, so lower case names them all.
NAME = r"[a-z_]+(\.[a-z_]+)?"

_DOORS = "it would open a door to the server, or close Strongroom's own"
_WATCH = "it would blind the watch, which reads the log"
_RECOVERY = "the standby, the archive or recovery would break"
_DATA = "it would trade the data's safety for speed"
_GUARDS = "it would switch off guards or rights"
_CODE = "it would run code or commands inside the server"
_OTHERS = "it would bring in settings that this file does not show to a reviewer"

#: Beginnings of names, with what a stack that set one would do.
_PREFIXES: Mapping[str, str] = MappingProxyType(
    {
        "ssl": _DOORS,
        "krb_": _DOORS,
        "gss_": _DOORS,
        "oauth_": _DOORS,
        "unix_socket_": _DOORS,
        "bonjour": _DOORS,
        "log_": _WATCH,
        "logging_": _WATCH,
        "syslog_": _WATCH,
        "archive_": _RECOVERY,
        "recovery_": _RECOVERY,
        "primary_": _RECOVERY,
        "include": _OTHERS,
        "rds.": _DOORS,
        "pgaudit.": _WATCH,
        "cron.": _WATCH,
        "strongroom.": _GUARDS,
    }
)

_SUFFIXES: Mapping[str, str] = MappingProxyType(
    {"_command": _CODE, "_preload_libraries": _CODE, "_library": _CODE, "_library_path": _CODE}
)

_NAMES: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("listen_addresses", "port", "hba_file", "ident_file"), _DOORS),
        **dict.fromkeys(("password_encryption", "allow_alter_system"), _DOORS),
        **dict.fromkeys(("config_file", "data_directory", "external_pid_file"), _OTHERS),
        **dict.fromkeys(("event_source", "cluster_name", "track_activities"), _WATCH),
        **dict.fromkeys(("wal_level", "hot_standby", "summarize_wal"), _RECOVERY),
        **dict.fromkeys(("max_wal_senders", "max_replication_slots"), _RECOVERY),
        **dict.fromkeys(("max_slot_wal_keep_size", "synchronous_standby_names"), _RECOVERY),
        **dict.fromkeys(("fsync", "full_page_writes", "zero_damaged_pages"), _DATA),
        **dict.fromkeys(("ignore_checksum_failure", "ignore_invalid_pages"), _DATA),
        **dict.fromkeys(("ignore_system_indexes", "allow_in_place_tablespaces"), _DATA),
        **dict.fromkeys(("data_sync_retry", "synchronous_commit"), _DATA),
        **dict.fromkeys(("allow_system_table_mods", "event_triggers"), _GUARDS),
        **dict.fromkeys(("session_replication_role", "row_security"), _GUARDS),
        **dict.fromkeys(("createrole_self_grant", "lo_compat_privileges"), _GUARDS),
        "dynamic_library_path": _CODE,
        "jit_provider": _CODE,
        "extension_control_path": _CODE,
    }
)

#: Settings of PostgreSQL that a setting of Strongroom's own stands for.
_INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        "statement_timeout": "statementTimeoutSeconds",
        "idle_in_transaction_session_timeout": "idleInTransactionTimeoutSeconds",
    }
)


def refused(name: str) -> str | None:
    """Why a stack cannot set `name`: rule, consequence and remedy; None when it can."""
    if not re.fullmatch(NAME, name):
        return (
            "is not a name of lower-case letters and _, with one dot at most, so PostgreSQL would "
            "not start. Correct the name"
        )
    if instead := _INSTEAD.get(name):
        return (
            "would bind root and the provisioner too, and break their longer work. Set "
            f"strongroom:{instead}, which binds people"
        )
    if why := _NAMES.get(name) or _by_ending(name):
        return f"is Strongroom's own: {why}. Leave it out"
    return None


def _by_ending(name: str) -> str | None:
    begins = [why for prefix, why in _PREFIXES.items() if name.startswith(prefix)]
    ends = [why for suffix, why in _SUFFIXES.items() if name.endswith(suffix)]
    return next(iter(begins + ends), None)
