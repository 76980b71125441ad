#!/bin/bash
# The first process of a node, in new mount, process, network, host name, IPC and cgroup namespaces (node.sh). It makes
# mounts and a network that nobody else sees, starts the daemons in order and reaps. When it ends, the kernel ends every
# process of the node and drops its mounts, interfaces and chains.
set -uo pipefail
L=$RUN/log ADDRESS=10.99.0.1 SERVICES=10.96.0.0/16 PODS=10.244.0.0/16
say() { echo "$(date +%s.%3N) $*" >> "$L/init.log"; }
die() { say "FATAL $*"; echo "node: $*"; exit 1; }

# ---- mounts. busybox first: the other mount would make /run/mount before there is a /run of ours.
busybox mount -t tmpfs -o mode=755 tmpfs /run || die "/run"
mount --make-rshared / || die "propagation" # kubelet wants it shared; unshare made it private
mount -t proc proc /proc
for folder in etc var; do
  mkdir -p "$DATA/$folder/upper" "$DATA/$folder/work"
  mount -t overlay overlay -o "lowerdir=/$folder,upperdir=$DATA/$folder/upper,workdir=$DATA/$folder/work" "/$folder" || die "overlay /$folder"
done
for folder in lib/kubelet lib/containerd lib/etcd log; do # an overlay cannot be the upper folder of an overlay
  mkdir -p "$DATA/bind/$folder" "/var/$folder"; mount --bind "$DATA/bind/$folder" "/var/$folder" || die "/var/$folder"
done
umount -R /sys/fs/cgroup
mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
while IFS=: read -r _ controller _; do # the same hierarchies, rooted at our own group
  [ -n "$controller" ] || continue
  mkdir -p "/sys/fs/cgroup/${controller#name=}"
  case $controller in name=*) options=none,$controller ;; *) options=$controller ;; esac
  mount -t cgroup -o "$options" cgroup "/sys/fs/cgroup/${controller#name=}" || die "cgroup $controller"
done < /proc/self/cgroup
mkdir -p "$DATA/sysctl" # the whole kernel's: kubelet is shown the values that it wants
for setting in vm/overcommit_memory=1 kernel/panic=10 kernel/panic_on_oops=1 vm/panic_on_oom=0; do
  file=$DATA/sysctl/$(basename "${setting%%=*}")
  echo "${setting#*=}" > "$file"; mount --bind "$file" "/proc/sys/${setting%%=*}" || die "sysctl $setting"
done

# ---- network: a stack of its own with no way out of the machine
hostname node1
ip link set lo up
ip link add node0 type bridge && ip address add $ADDRESS/24 dev node0 && ip link set node0 up || die "network"
ip route add $SERVICES dev node0 # without any route the API server would not even try a Service's address
sysctl -qw net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1 || die "sysctl"
echo "127.0.0.1 localhost node1" > /etc/hosts; 
# For who is logged in; pods have kubelet's own, CoreDNS has none.
echo "nameserver 10.96.0.10" > /etc/resolv.conf
K=/etc/kubernetes P=/etc/kubernetes/pki
mkdir -p $K /etc/cni/net.d /run/sbin
cp -r "$DATA/kubernetes/." "$HERE/conf/kubelet.yaml" "$HERE/conf/kube-proxy.yaml" "$HERE/conf/containerd.toml" $K/
cp "$HERE/conf/cni.conflist" /etc/cni/net.d/10-node.conflist
for table in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
  ln -s "/usr/sbin/${table/tables/tables-legacy}" "/run/sbin/$table" # Debian's default speaks nftables
done
export PATH=/run/sbin:$BIN:/usr/sbin:/usr/bin:/sbin:/bin

# ---- daemons
start() { local name=$1; say "start $name"; "$@" > "$L/$name.log" 2>&1 & daemons[$!]=$name; }
declare -A daemons
start etcd --name node1 --data-dir /var/lib/etcd --unsafe-no-fsync --listen-client-urls http://127.0.0.1:2379 \
  --advertise-client-urls http://127.0.0.1:2379 --listen-peer-urls http://127.0.0.1:2380 \
  --initial-advertise-peer-urls http://127.0.0.1:2380 --initial-cluster node1=http://127.0.0.1:2380
start containerd --config $K/containerd.toml
start kube-apiserver --etcd-servers=http://127.0.0.1:2379 \
  --bind-address=0.0.0.0 --advertise-address=$ADDRESS --secure-port=6443 \
  --tls-cert-file=$P/apiserver.crt --tls-private-key-file=$P/apiserver.key --client-ca-file=$P/ca.crt \
  --kubelet-client-certificate=$P/apiserver-kubelet.crt --kubelet-client-key=$P/apiserver-kubelet.key \
  --kubelet-certificate-authority=$P/ca.crt --kubelet-preferred-address-types=InternalIP \
  --requestheader-client-ca-file=$P/ca.crt --requestheader-allowed-names=front-proxy-client \
  --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group \
  --requestheader-extra-headers-prefix=X-Remote-Extra- \
  --proxy-client-cert-file=$P/front-proxy.crt --proxy-client-key-file=$P/front-proxy.key \
  --service-account-issuer=https://kubernetes.default.svc.cluster.local \
  --service-account-key-file=$P/sa.pub --service-account-signing-key-file=$P/sa.key \
  --service-cluster-ip-range=$SERVICES --authorization-mode=Node,RBAC \
  --enable-admission-plugins=NodeRestriction --allow-privileged=true
until [ -S /run/containerd/containerd.sock ] && ctr version > /dev/null 2>&1; do sleep 0.1; done
for image in pause coredns; do
  ctr -n k8s.io images import "$IMAGES/$image.tar" >> "$L/import.log" 2>&1 || die "import of $image"
done
say "images are in"
until curl -sk --max-time 2 --cert $P/admin.crt --key $P/admin.key https://127.0.0.1:6443/readyz | grep -q '^ok'; do sleep 0.1; done
say "the API server is ready"
start kubelet --config=$K/kubelet.yaml --kubeconfig=$K/kubelet.kubeconfig --hostname-override=node1 --node-ip=$ADDRESS
start kube-controller-manager --kubeconfig=$K/controllers.kubeconfig \
  --authentication-kubeconfig=$K/controllers.kubeconfig --authorization-kubeconfig=$K/controllers.kubeconfig --bind-address=127.0.0.1 \
  --leader-elect=false --kube-api-qps=300 --kube-api-burst=600 --use-service-account-credentials=true --root-ca-file=$P/ca.crt \
  --service-account-private-key-file=$P/sa.key --cluster-signing-cert-file=$P/ca.crt --cluster-signing-key-file=$P/ca.key \
  --flex-volume-plugin-dir=/var/lib/kubelet/volumeplugins \
  --allocate-node-cidrs=true --cluster-cidr=$PODS --service-cluster-ip-range=$SERVICES
start kube-scheduler --kubeconfig=$K/scheduler.kubeconfig --authentication-kubeconfig=$K/scheduler.kubeconfig \
  --authorization-kubeconfig=$K/scheduler.kubeconfig --bind-address=127.0.0.1 --leader-elect=false --kube-api-qps=300 --kube-api-burst=600
start kube-proxy --config=$K/kube-proxy.yaml
say "everything is started"

# Reaps for ever. A daemon that ends takes the node along: a test must fail on that.
while :; do
  pid=; wait -n -p pid; code=$?
  if [ -z "${pid:-}" ]; then sleep 1
  elif [ -n "${daemons[$pid]:-}" ]; then die "${daemons[$pid]} ended with $code"; fi
done
