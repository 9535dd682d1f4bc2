#!/bin/sh
# Prints the folder that holds a usable Pulumi engine: the CLI and its Python language host.
#
# In this order: a recent enough pulumi on PATH; what an earlier run left in the cache; the
# official release; the same version built from Go modules. Everything but the answer goes to
# standard error, so that the answer can be used as it is:  bin=$(toolchain/engine.sh)
#
# STRONGROOM_PULUMI_RELEASES  where releases are downloaded from (a mirror); "none" skips that
# XDG_CACHE_HOME              where the cache is (default: ~/.cache)
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# One place says which version serves: the modules the CLI would be built from.
version=$(sed -n 's|.*github.com/pulumi/pulumi/pkg/v3 v\([0-9.]*\).*|\1|p' "$here/cli/go.mod")
releases=${STRONGROOM_PULUMI_RELEASES:-https://get.pulumi.com/releases/sdk}
os=$(uname -s | tr '[:upper:]' '[:lower:]')
case $(uname -m) in
    x86_64 | amd64) arch=x64 ;;
    aarch64 | arm64) arch=arm64 ;;
    *) arch=$(uname -m) ;;
esac

me=engine
what="the engine"
. "$here/cache.sh"

# Whether version $1 (v3.260.0, 3.259.0-alpha.1) is at least $2 (3.259.0). A pre-release comes
# before its release, and build metadata does not count (semver.org, 10 and 11).
at_least() {
    printf '%s\n' "$1" | awk -v least="$2" '
        !/^v?[0-9]+\.[0-9]+\.[0-9]+([-+].*)?$/ { exit 1 }
        {
            sub(/^v/, ""); sub(/\+.*/, ""); pre = sub(/-.*/, "")
            split($0, have, "."); split(least, need, ".")
            for (i = 1; i <= 3; i++)
                if (have[i] + 0 != need[i] + 0) exit !(have[i] + 0 > need[i] + 0)
            exit pre
        }'
}

# Prints what version the CLI $1 is. It would keep a log in the user's ~/.pulumi even for that.
version_of() {
    scratch=$(mktemp -d)
    PULUMI_HOME=$scratch PULUMI_SKIP_UPDATE_CHECK=true "$1" version 2>/dev/null </dev/null ||
        printf 'unknown\n'
    rm -rf "$scratch"
}

# Prints the folder of a pulumi on PATH that can be used; says why when there is one that cannot.
on_path() {
    found=$(command -v pulumi) || return 1
    have=$(version_of "$found")
    bin=$(dirname -- "$found")
    if ! at_least "$have" "$version"; then
        say "$found is version $have, older than the $version this project needs; it is left alone."
        return 1
    fi
    if ! [ -x "$bin/pulumi-language-python" ] && ! command -v pulumi-language-python >/dev/null; then
        say "$found has no pulumi-language-python beside it or on PATH, so it cannot run a Python program; it is left alone."
        return 1
    fi
    say "pulumi $have on PATH serves ($found)."
    printf '%s\n' "$bin"
}

# Prints the folder of an engine in the cache. A folder appears there whole or not at all.
in_cache() {
    for bin in "$downloaded/bin" "$built/bin"; do
        if [ -x "$bin/pulumi" ] && [ -x "$bin/pulumi-language-python" ]; then
            printf '%s\n' "$bin"
            return 0
        fi
    done
    return 1
}

# Downloads the official release into the cache, or returns 1 with the reason in $why.
download() {
    tarball=pulumi-v$version-$os-$arch.tar.gz
    if [ "$releases" = none ]; then
        why='downloading is switched off (STRONGROOM_PULUMI_RELEASES=none)'
        return 1
    fi
    if refused_lately "$releases/$tarball"; then
        why="$releases refused it less than a day ago (delete $remembered to try again)"
        return 1
    fi
    if ! command -v curl >/dev/null 2>&1; then
        why='there is no curl to download it with'
        return 1
    fi
    say "downloading pulumi $version from $releases (usually under a minute) ..."
    get "$releases/pulumi-$version-checksums.txt" "$work/sums" 30 || rm -f "$work/sums"
    if ! get "$releases/$tarball" "$work/$tarball" 600; then
        : >"$remembered"
        why="$releases did not give it ($(tail -n 1 "$work/curl.log"))"
        return 1
    fi
    if [ -f "$work/sums" ]; then
        want=$(awk -v name="$tarball" '$2 == name || $2 == "*" name { print $1 }' "$work/sums")
        got=$(sha256 <"$work/$tarball")
        [ "$got" = "$want" ] || refuse "$releases/$tarball has the SHA-256 ${got}, but the release's checksums file says ${want:-nothing about it}. A file that is not the released one is never run, so nothing was installed. Try again; if it stays so, the mirror or something on the way is altering it: name another with STRONGROOM_PULUMI_RELEASES, or build from Go modules with STRONGROOM_PULUMI_RELEASES=none."
    else
        say "$releases has no checksums file, so only the connection vouches for this download."
    fi
    tar -xzf "$work/$tarball" -C "$work" 2>>"$work/curl.log" &&
        [ "$(version_of "$work/pulumi/pulumi")" = "v$version" ] ||
        refuse "$releases/$tarball does not unpack to pulumi $version for $os/$arch, so nothing was installed. Name another mirror with STRONGROOM_PULUMI_RELEASES, or build from Go modules with STRONGROOM_PULUMI_RELEASES=none."
    mkdir "$work/whole"
    mv "$work/pulumi" "$work/whole/bin"
    publish "$work/whole" "$downloaded"
}

# Builds the engine into the cache from Go modules; $why says what was tried before.
build() {
    command -v go >/dev/null 2>&1 || refuse "There is no usable Pulumi engine: no pulumi $version or newer is on PATH, and $why. It can be built from Go modules instead, but there is no go on PATH either, so nothing was installed. Install Pulumi (https://www.pulumi.com/docs/install) or Go (https://go.dev/dl) and run this again."
    needs=$(sed -n 's/^go //p' "$here/cli/go.mod")
    # Go reads go.mod before anything else and says here whether it is too old, or fetches the
    # toolchain it wants if it is set up to (GOTOOLCHAIN).
    if ! (cd "$here/cli" && GOWORK=off go list -m) >"$work/go.log" 2>&1; then
        refuse "There is no usable Pulumi engine: no pulumi $version or newer is on PATH, and $why. Building it takes Go $needs or newer, and $(command -v go) is $(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null) and said: $(tail -n 1 "$work/go.log"). Nothing was installed. Install a newer Go (https://go.dev/dl) or Pulumi (https://www.pulumi.com/docs/install) and run this again."
    fi
    say "$why; building pulumi $version and its Python language host from Go modules."
    say "once, for every clone: usually 3 to 5 minutes on 2 cores, and 4 GB in Go's own caches ..."
    started=$(date +%s)
    if ! "$here/build.sh" "$work/whole/bin" >"$work/go.log" 2>&1; then
        tail -n 15 "$work/go.log" >&2
        refuse "pulumi $version could not be built from Go modules; Go's last words are above. Nothing was installed. If a download was refused, point GOPROXY at a module proxy that serves github.com/pulumi/pulumi (go env GOPROXY says which is used now), or install Pulumi (https://www.pulumi.com/docs/install), and run this again; what was compiled is kept."
    fi
    [ "$(version_of "$work/whole/bin/pulumi")" = "v$version" ] ||
        refuse "The pulumi that was built does not start or is not version $version, so it was not installed. Run toolchain/build.sh FOLDER and FOLDER/pulumi version by hand to see why."
    publish "$work/whole" "$built"
    say "built in $(($(date +%s) - started)) s."
}

on_path && exit 0

key=$({
    printf '%s\n' "$os/$arch"
    cat "$here/build.sh" "$here/cli/go.mod" "$here/cli/go.sum" \
        "$here/language-python/go.mod" "$here/language-python/go.sum"
} | sha256 | cut -c 1-16)
downloaded=$cache/pulumi-v$version-$os-$arch
built=$cache/$key

if ! bin=$(in_cache); then
    alone
fi
if ! bin=$(in_cache); then
    workplace
    download || build
    bin=$(in_cache)
fi
say "pulumi $version from the cache serves ($bin)."
printf '%s\n' "$bin"
