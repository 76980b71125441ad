#!/bin/bash
# janitor.sh RUN DATA: waits until the last process of a node has closed the pipe on standard input, then removes what
# outlives processes. RUN/gone appears when nothing is left; RUN/log/janitor.log says what could not be removed.
trap '' HUP INT TERM
cat > /dev/null
left=0
while read -r group; do
  for _ in $(seq 100); do # the deepest first; a group with a process in it stays
    [ -d "$group" ] || break
    find "$group" -depth -type d -exec rmdir {} + 2> /dev/null
    [ ! -d "$group" ] || sleep 0.05
  done
  [ ! -d "$group" ] || { echo "left: $group, with $(tr '\n' ' ' < "$group/cgroup.procs")"; left=1; }
done < "$1/cgroups"
rm -rf "$2" || left=1
[ $left = 1 ] || : > "$1/gone"
