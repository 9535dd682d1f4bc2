#!/bin/sh
# Builds the Pulumi CLI and its Python language host from Go modules into the folder $1.
#
# The recipe is part of the cache key (engine.sh hashes this file with the module sums), so
# whatever changes the outcome belongs here and nothing else does.
set -eu

out=$1
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cli=github.com/pulumi/pulumi/pkg/v3
sdk=github.com/pulumi/pulumi/sdk/v3

# No C compiler is needed, and neither a workspace file nor GOFLAGS of the user may change the
# modules named in go.sum.
export CGO_ENABLED=0 GOWORK=off GOFLAGS=-mod=readonly GO111MODULE=on
# Nine tenths of the time is the compiler's, much of it garbage collection and inlining: with the
# heap bounded by GOMEMLIMIT instead of GOGC and without inlining (-l) it takes a third less, and
# the engine, which mostly waits for plugins, is none the slower to notice.
export GOGC=off GOMEMLIMIT=1GiB
lean='all=-l -dwarf=false'

version=$(cd "$here/cli" && go list -m -f '{{.Version}}' "$cli")
mkdir -p "$out"

# Side by side: while one waits for downloads the other compiles.
(
    cd "$here/language-python"
    exec go build -trimpath -gcflags="$lean" -ldflags='-s -w' -o "$out/" \
        "$sdk/python/cmd/pulumi-language-python"
) &
host=$!
# A shell's background job is deaf to Ctrl-C.
trap 'kill "$host" 2>/dev/null || true' EXIT
cd "$here/cli"
status=0
go build -trimpath -gcflags="$lean" -ldflags="-s -w -X $sdk/go/common/version.Version=$version" \
    -o "$out/" "$cli/cmd/pulumi" || status=$?
wait "$host" || status=$?
[ "$status" -eq 0 ] || exit "$status"

# The host is the last version that is a package of its own module (v3.79.0); the Python program
# it starts is the one that belongs to the CLI and the SDK.
cp "$(go list -m -f '{{.Dir}}' "$sdk")/python/cmd/pulumi-language-python-exec" "$out/"
chmod 755 "$out/pulumi-language-python-exec"
