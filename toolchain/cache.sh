# What the scripts have in common that keep something big in the cache, outside of every checkout.
# Sourced, never run. It wants $me, the first word of what is said, and $what, the thing kept.
#
# XDG_CACHE_HOME  where the cache is (default: ~/.cache)

cache=${XDG_CACHE_HOME:-${HOME:?}/.cache}/strongroom/engine

say() { printf '%s: %s\n' "$me" "$*" >&2; }
refuse() {
    say "$*"
    exit 1
}

sha256() {
    if command -v sha256sum >/dev/null 2>&1; then sha256sum; else shasum -a 256; fi | cut -d ' ' -f 1
}

# Has the cache to itself from here on: one at a time, where flock exists; elsewhere two at once
# only cost time, since each works in a folder of its own until it is whole.
alone() {
    mkdir -p "$cache" || refuse "$cache cannot be created, and $what is kept there, outside of the checkout. Nothing was installed. Make it writable or name another folder with XDG_CACHE_HOME."
    command -v flock >/dev/null 2>&1 || return 0
    exec 9>"$cache/lock"
    if ! flock -n 9; then
        say "another run is at work in the cache; waiting until it lets go of $cache/lock ..."
        flock 9
    fi
    # Nobody else is at work: what is left of builds that were killed can go.
    rm -rf "$cache"/work-*
}

# Makes $work, a folder in the cache that goes with this run, however it ends.
workplace() {
    work=$(mktemp -d "$cache/work-XXXXXX") || refuse "$cache cannot be written, and $what is kept there. Nothing was installed. Make it writable or name another folder with XDG_CACHE_HOME."
    trap 'rm -rf "$work"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
}

# Publishes folder $1 as $2: synced first, so that not even a power cut leaves half a file.
publish() {
    sync
    mv -- "$1" "$2" || refuse "$2 cannot be written, so $what that is ready in $1 was not installed. Make $cache writable or name another folder with XDG_CACHE_HOME."
}

get() { # URL, file, seconds at most
    curl -fsSL --proto '=https,http' --connect-timeout 5 --max-time "$3" \
        --speed-limit 50000 --speed-time 20 -o "$2" "$1" 2>>"$work/curl.log"
}

# Sets $remembered, the file that notes that $1 was refused, and says whether that is recent.
refused_lately() {
    remembered=$cache/refused-$(printf '%s' "$1" | sha256 | cut -c 1-16)
    [ -n "$(find "$remembered" -mtime -1 2>/dev/null)" ]
}
