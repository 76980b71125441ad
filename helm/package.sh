#!/bin/sh
# Makes helm's plugins of a kubectl-thanos that is built: for each of them a folder, and an archive of it.
#
#   helm/package.sh [BINARY [FOLDER [PLATFORM]]]       target/release/kubectl-thanos, target/helm, this machine's
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
binary=${1:-$root/target/release/kubectl-thanos}
folder=${2:-$root/target/helm}
machine=$(uname -m | sed 's/^x86_64$/amd64/; s/^aarch64$/arm64/')
platform=${3:-$(uname -s | tr '[:upper:]' '[:lower:]')-$machine}

if [ ! -x "$binary" ]; then
    echo "helm: $binary is not built: cargo build --release --locked -p kubectl-thanos" >&2
    exit 1
fi
version=$("$binary" --version | sed 's/^.* //')
source=$(sed -n 's/^repository = "\(.*\)"$/\1/p' "$root/Cargo.toml")

for plugin in thanos thanos-post-renderer thanos-3; do
    made=$folder/$plugin
    rm -rf "$made"
    mkdir -p "$made"
    cp "$here/$plugin"/* "$made/"
    sed "s|VERSION|$version|; s|SOURCE|$source|" "$here/$plugin/plugin.yaml" > "$made/plugin.yaml"
    cp "$binary" "$made/kubectl-thanos"
    cp "$root/LICENSE" "$made/LICENSE"
    cp "$root/docs/helm.md" "$made/README.md"
    if [ -f "$made/plugin.complete" ]; then
        "$binary" completion helm > "$made/completion.yaml"
    fi
    archive=$folder/$plugin-$version-$platform.tgz
    # Helm 4 wants a folder in the archive, Helm 3 none.
    if [ "$plugin" = thanos-3 ]; then
        tar -C "$made" -czf "$archive" .
    else
        tar -C "$folder" -czf "$archive" "$plugin"
    fi
    echo "$archive"
done
