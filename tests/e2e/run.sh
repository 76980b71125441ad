#!/bin/bash
# `make e2e`: builds what the stories need, then tells them (words pick some of them). They run in a node of our own
# (tests/cluster/node). THANOS_E2E=cluster runs them in the cluster that KUBECONFIG names, and only then is that one touched: they
# take definitions and charts away. THANOS_STATIC=1 puts a static thanos-webhook into its image, as the Dockerfile does (6 minutes more when
# cold, so CI takes the one that it has, with its libraries); NO_TEST=1 builds and tells nothing; --why-not says why no node
# can run here, or nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."
CARGO=${CARGO:-cargo} PYTHON=${PYTHON:-python3}
TOOLS=etcd,kubernetes,controller-manager,helm,crds,operator-bundle,prometheus-operator,prometheus,thanos,envoy-gateway,envoy-gateway-chart,envoy,azurite
NODE=node,containerd,coredns
PACKAGES="runc containernetworking-plugins iptables conntrack socat busybox-static"

mkdir -p target
stage() { printf '\n== %s (%d s)\n' "$*" $SECONDS; }
fail() { echo "e2e: $*" >&2; exit 1; }

# Why this machine can hold no node, or nothing.
why_no_node() {
  if [ "${THANOS_E2E:-}" = cluster ]; then echo "THANOS_E2E=cluster"
  elif [ "$(uname -s)" != Linux ]; then echo "it needs Linux"
  elif [ "$(id -u)" != 0 ]; then echo "it needs root"
  elif ! grep -q '^[0-9]*:memory:' /proc/self/cgroup; then echo "it needs the memory controller in cgroup v1"
  elif ! unshare --mount --pid --net --uts --ipc --cgroup --fork true 2> /dev/null; then echo "it needs namespaces of its own"
  fi
}
if [ "${1:-}" = --why-not ]; then
  why_no_node
  exit
fi

# Every program of the packages, and what a usual Debian has.
lacks() {
  for program in runc iptables-legacy conntrack socat busybox unshare nsenter openssl curl ip cc readelf setsid; do
    command -v $program > /dev/null || echo $program
  done
  [ -x /usr/lib/cni/bridge ] || echo /usr/lib/cni/bridge
}

reason=$(why_no_node)
if [ -z "$reason" ]; then
  export THANOS_E2E=node
  echo "e2e: in a node of our own"
  if [ -n "$(lacks)" ]; then
    stage "packages of the node"
    command -v apt-get > /dev/null || fail "install $(lacks | tr '\n' ' '), which the node needs ($PACKAGES on Debian)"
    { apt-get update && apt-get install -y --no-install-recommends $PACKAGES openssl curl iproute2 util-linux gcc libc6-dev binutils; } \
      > target/apt.log 2>&1 || fail "apt-get could not install $PACKAGES; target/apt.log says why"
    [ -z "$(lacks)" ] || fail "the node needs $(lacks | tr '\n' ' '), which no package brought"
  fi
elif [ "${THANOS_E2E:-}" = cluster ] && [ -n "${KUBECONFIG:-}" ]; then
  echo "e2e: in the cluster of KUBECONFIG ($KUBECONFIG), because of a node: $reason"
else
  fail "no node can run here ($reason): run it as root on Linux, or set THANOS_E2E=cluster and KUBECONFIG (a cluster of kind, for these stories alone)"
fi

stage "the real programs"
$PYTHON tests/tools/build.py --only "$TOOLS$([ $THANOS_E2E = cluster ] || echo ",$NODE")"
stage "our programs and the stories"
$CARGO build --workspace --bins --locked
$CARGO test --no-run --locked -p thanos-tests --test e2e
if [ -n "${THANOS_STATIC:-}" ]; then
  stage "thanos-webhook once more, static"
  RUSTFLAGS="-C target-feature=+crt-static" $CARGO build --locked -p thanos-webhook --target x86_64-unknown-linux-gnu --target-dir target/static
fi
stage "images"
$PYTHON tests/cluster/node/images.py
if [ $THANOS_E2E = cluster ]; then
  echo "The cluster's nodes must know these: for one of kind, kind load image-archive target/images/NAME.tar"
fi
[ -z "${NO_TEST:-}" ] || exit 0
stage "the stories"
$CARGO test --quiet --locked -p thanos-tests --test e2e -- "$@"
stage "done"
