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
host=$sdk/python/cmd/pulumi-language-python

# No C compiler is needed, and neither a workspace file nor GOFLAGS of the user may change the
# modules named in go.sum.
export CGO_ENABLED=0 GOWORK=off GOFLAGS=-mod=readonly GO111MODULE=on
# Nearly all of the time is the compiler's, and a third of that is inlining and collecting its own
# garbage: so no inlining (-l), a heap bounded by GOMEMLIMIT instead of GOGC, no debug information.
# The engine waits for plugins most of the time and does not notice.
export GOGC=off GOMEMLIMIT=1GiB
lean='all=-l -dwarf=false'
# Leaves out DirectPath, a way to Google Cloud Storage from inside Google's network, and with it a
# tenth of all packages; gs:// backends work without it.
tags=disable_grpc_modules

version=$(cd "$here/cli" && go list -m -f '{{.Version}}' "$cli")
mkdir -p "$out"

# Go downloads as many modules at a time as it may use cores, though waiting for a network takes
# none. A shell's background job is deaf to Ctrl-C, hence the trap.
fetch() { GOMAXPROCS=16 go list -deps -tags="$tags" "$1" >/dev/null; }
(cd "$here/language-python" && fetch "$host") &
fetching=$!
trap 'kill "$fetching" 2>/dev/null || true' EXIT
(cd "$here/cli" && fetch "$cli/cmd/pulumi")
wait "$fetching"
trap - EXIT

# One after the other: each keeps all cores busy, and the host finds most of what it needs compiled.
build() { # package, linker flags
    go build -trimpath -tags="$tags" -gcflags="$lean" -ldflags="-s -w $2" -o "$out/" "$1"
}
(cd "$here/cli" && build "$cli/cmd/pulumi" "-X $sdk/go/common/version.Version=$version")
(cd "$here/language-python" && build "$host" "")

# The host is the last version that is a package of its own module (v3.79.0); the Python program
# it starts is the one that belongs to the CLI and the SDK.
program=$(cd "$here/cli" && go list -m -f '{{.Dir}}' "$sdk")/python/cmd/pulumi-language-python-exec
cp "$program" "$out/"
chmod 755 "$out/pulumi-language-python-exec"
