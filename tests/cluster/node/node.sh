#!/bin/bash
# node.sh RUN DATA PORT: a node that lives as long as this process group. RUN keeps the logs and the kubeconfig, DATA goes
# with the node, PORT of 127.0.0.1 is its API server. BIN names the folder of the programs.
# What outlives processes (control groups, DATA) is removed by a janitor, however the node ends.
set -euo pipefail
export RUN=$1 DATA=$2 PORT=$3 BIN; HERE=$(cd "$(dirname "$0")" && pwd); export HERE
mkdir -p "$RUN/log" "$DATA"
"$HERE/pki.sh" "$DATA/kubernetes" "$PORT"

# A group of our own in every hierarchy of cgroup v1, so that nothing is made beside it.
: > "$RUN/cgroups"
while IFS=: read -r _ controller path; do
  [ -n "$controller" ] || continue
  parent=/sys/fs/cgroup/${controller#name=}${path%/}; group=$parent/kubectl-thanos-$PORT
  mkdir -p "$group"; echo "$group" >> "$RUN/cgroups"
  if [ "$controller" = cpuset ]; then
    cat "$parent/cpuset.cpus" > "$group/cpuset.cpus"; cat "$parent/cpuset.mems" > "$group/cpuset.mems"
  fi
done < /proc/self/cgroup

# The janitor reads from a pipe that the node holds open. In a session of its own: what kills the node spares it.
mkfifo "$DATA/alive"
setsid "$HERE/janitor.sh" "$RUN" "$DATA" < "$DATA/alive" > "$RUN/log/janitor.log" 2>&1 &
exec 3> "$DATA/alive"

while read -r group; do echo $$ > "$group/cgroup.procs"; done < "$RUN/cgroups"
unshare --mount --pid --net --uts --ipc --cgroup --fork --kill-child -- "$HERE/init.sh" &
space=$!
until init=$(tr -d ' ' < "/proc/$space/task/$space/children") && [ -n "$init" ]; do
  kill -0 $space 2>/dev/null || { echo "the node's namespaces were refused"; exit 1; }
  sleep 0.05
done
socat "TCP-LISTEN:$PORT,bind=127.0.0.1,reuseaddr,fork" \
  "EXEC:nsenter --net=/proc/$init/ns/net socat STDIO TCP\:127.0.0.1\:6443" > "$RUN/log/socat.log" 2>&1 &
cp "$DATA/kubernetes/outside.kubeconfig" "$RUN/kubeconfig"
echo "$init" > "$RUN/init.pid.new"; mv "$RUN/init.pid.new" "$RUN/init.pid"
wait $space
