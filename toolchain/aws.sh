#!/bin/sh
# Prints the folder that holds the aws plugin for a rehearsal, to be put on PATH: the engine takes
# a plugin it finds there and asks no network for another.
#
# In this order: the official plugin in Pulumi's own folder; what an earlier run left in the cache;
# the official one, downloaded; one for rehearsals only, built from Go modules. That one refuses to
# work on anything but this machine (toolchain/aws/rehearsal.go). Everything but the answer goes to
# standard error:  PATH=$(toolchain/aws.sh):$PATH
# With --at-hand nothing is downloaded or built, and it fails when there is none.
#
# STRONGROOM_PULUMI_PLUGINS  where plugins are downloaded from (a mirror); "none" skips that
# PULUMI_HOME                where Pulumi keeps plugins (default: ~/.pulumi)
# XDG_CACHE_HOME             where the cache is (default: ~/.cache)
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
version=$(cat "$here/aws/version")
plugins=${STRONGROOM_PULUMI_PLUGINS:-https://get.pulumi.com/releases/plugins}
os=$(uname -s | tr '[:upper:]' '[:lower:]')
case $(uname -m) in
    x86_64 | amd64) arch=amd64 ;;
    aarch64 | arm64) arch=arm64 ;;
    *) arch=$(uname -m) ;;
esac

me=aws
what="the aws plugin"
. "$here/cache.sh"

# Prints folder $1 if it holds a plugin that can be started.
holds() {
    [ -x "$1/pulumi-resource-aws" ] && printf '%s\n' "$1"
}

# Prints the folder in which Pulumi itself has the official plugin, whole.
installed() {
    own=${PULUMI_HOME:-$HOME/.pulumi}/plugins/resource-aws-v$version
    [ ! -e "$own.partial" ] && holds "$own"
}

# Downloads the official plugin into the cache, or returns 1 with the reason in $why. Nobody
# publishes its checksums there: as for `pulumi plugin install`, the connection vouches for it.
download() {
    tarball=pulumi-resource-aws-v$version-$os-$arch.tar.gz
    if [ "$plugins" = none ]; then
        why='downloading is switched off (STRONGROOM_PULUMI_PLUGINS=none)'
        return 1
    fi
    if refused_lately "$plugins/$tarball"; then
        why="$plugins refused the official plugin less than a day ago (delete $remembered to try again)"
        return 1
    fi
    if ! command -v curl >/dev/null 2>&1; then
        why='there is no curl to download the official plugin with'
        return 1
    fi
    say "downloading the official plugin $version from $plugins (some 200 MB) ..."
    if ! get "$plugins/$tarball" "$work/$tarball" 600; then
        : >"$remembered"
        why="$plugins did not give the official plugin ($(tail -n 1 "$work/curl.log"))"
        return 1
    fi
    mkdir "$work/whole"
    tar -xzf "$work/$tarball" -C "$work/whole" 2>>"$work/curl.log" && holds "$work/whole" >/dev/null ||
        refuse "$plugins/$tarball does not unpack to an aws plugin, so nothing was installed. Name another mirror with STRONGROOM_PULUMI_PLUGINS, or build one for rehearsals from Go modules with STRONGROOM_PULUMI_PLUGINS=none."
    publish "$work/whole" "$downloaded"
}

# Builds the plugin for rehearsals into the cache; $why says why the official one is not there.
build() {
    command -v go >/dev/null 2>&1 || refuse "There is no aws plugin: $why. One for rehearsals can be built from Go modules instead, but there is no go on PATH either, so nothing was installed. Install Go (https://go.dev/dl), or the plugin itself where the network allows (pulumi plugin install resource aws $version), and run this again."
    needs=$(sed -n 's/^go //p' "$here/aws/go.mod")
    if ! (cd "$here/aws" && GOWORK=off go list -m) >"$work/go.log" 2>&1; then
        refuse "There is no aws plugin: $why. Building one for rehearsals takes Go $needs or newer, and $(command -v go) is $(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null) and said: $(tail -n 1 "$work/go.log"). Nothing was installed. Install a newer Go (https://go.dev/dl) and run this again."
    fi
    say "$why; building one for rehearsals only from Go modules, which answers to $version."
    say "once, for every clone: usually 2 to 5 minutes on 2 cores, 4 GB of memory and 3 GB in Go's own caches ..."
    started=$(date +%s)
    if ! "$here/aws/build.sh" "$work/whole" "$work/source" >"$work/go.log" 2>&1; then
        tail -n 15 "$work/go.log" >&2
        refuse "The aws plugin for rehearsals could not be built from Go modules; the last words are above. Nothing was installed. If a download was refused, point GOPROXY at a module proxy that serves github.com/upbound/terraform-provider-aws and github.com/pulumi/pulumi-terraform-bridge (go env GOPROXY says which is used now), and run this again; what was compiled is kept."
    fi
    "$work/whole/pulumi-resource-aws" schema >"$work/schema.json" 2>>"$work/go.log" && [ -s "$work/schema.json" ] ||
        refuse "The aws plugin that was built does not start ($(tail -n 1 "$work/go.log")), so it was not installed. Run toolchain/aws/build.sh FOLDER SCRATCH and FOLDER/pulumi-resource-aws schema by hand to see why."
    publish "$work/whole" "$built"
    say "built in $(($(date +%s) - started)) s."
}

if folder=$(installed); then
    say "the official plugin $version serves ($folder)."
    printf '%s\n' "$folder"
    exit 0
fi

key=$({
    export LC_ALL=C
    printf '%s\n' "$os/$arch"
    cat "$here"/aws/*.go "$here"/aws/*.txt "$here/aws/version" "$here/aws/go.mod" \
        "$here/aws/go.sum" "$here/aws/build.sh" "$here/aws/trim.py"
} | sha256 | cut -c 1-16)
downloaded=$cache/aws-v$version-$os-$arch
built=$cache/aws-$key

# Prints the folder of a plugin in the cache. A folder appears there whole or not at all.
in_cache() { holds "$downloaded" || holds "$built"; }

if [ "${1:-}" = --at-hand ]; then
    in_cache
    exit
fi

in_cache >/dev/null || alone
if ! in_cache >/dev/null; then
    workplace
    download || build
fi
folder=$(in_cache)
case $folder in
    "$downloaded") say "the official plugin $version from the cache serves ($folder)." ;;
    *) say "the plugin for rehearsals $version from the cache serves ($folder)." ;;
esac
printf '%s\n' "$folder"
