#!/bin/sh
# Builds the aws plugin for rehearsals from Go modules into the folder $1, in the folder $2.
#
# Whatever changes the outcome lies beside this file: aws.sh hashes it all into the cache's key.
set -eu

out=$1
work=$2
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
python=$here/../../.venv/bin/python
[ -x "$python" ] || python=python3

# Terraform's AWS provider in the one form in which it is a module that others can import. Its
# go.mod has the name of what it was made from, so that go.sum has no line for it: its hash is here.
provider=github.com/upbound/terraform-provider-aws@v0.0.0-20260305123303-f7691456b787
hash=h1:dJlp2eNgY/iVKTPINdguYlHbHc9CtXBZKmQmqYq0REs=

# As in ../build.sh: neither a workspace file nor GOFLAGS of the user may change the modules, and
# most of the time is the compiler's.
export CGO_ENABLED=0 GOWORK=off GOFLAGS=-mod=readonly GO111MODULE=on
export GOGC=off GOMEMLIMIT=2GiB

# Not every checksum database knows it. It is asked for outside of any module, which is why the
# answer is one line a key.
said=$(cd / && GONOSUMDB="${GONOSUMDB:+$GONOSUMDB,}${provider%@*}" go mod download -json "$provider")
answer() { printf '%s\n' "$said" | sed -n "s/^[[:space:]]*\"$1\": \"\(.*\)\",\{0,1\}\$/\1/p"; }
if [ "$(answer Sum)" != "$hash" ]; then
    echo "$provider has the hash $(answer Sum) and not $hash: it is not what this was tried with, so it is not built." >&2
    exit 1
fi

mkdir -p "$work" "$out"
cp "$here"/*.go "$here"/*.txt "$here/version" "$here/go.mod" "$here/go.sum" "$work/"
# One word a service, none of which holds a blank.
# shellcheck disable=SC2046
"$python" "$here/trim.py" "$(answer Dir)" "$work/terraform" $(cat "$here/services.txt")

cd "$work"
GOMAXPROCS=16 go list -deps . >/dev/null
# Two at a time, whatever there is of cores: some packages take more than a gigabyte each.
go build -p 2 -trimpath -tags=disable_grpc_modules -gcflags='all=-l -dwarf=false' \
    -ldflags='-s -w' -o "$out/pulumi-resource-aws" .
