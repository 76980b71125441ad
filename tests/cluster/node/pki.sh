#!/bin/bash
# pki.sh FOLDER PORT: one authority, a dozen ECDSA certificates and the kubeconfigs of a node.
set -euo pipefail
K=$1 PORT=$2
mkdir -p "$K/pki"; cd "$K/pki"

key() { openssl ecparam -genkey -name prime256v1 -noout -out "$1.key"; }
key ca
openssl req -x509 -new -key ca.key -days 30 -subj /CN=node-ca -out ca.crt -addext basicConstraints=critical,CA:TRUE \
  -addext keyUsage=critical,keyCertSign,cRLSign,digitalSignature 2>/dev/null

cert() { # FILE COMMON-NAME ORGANISATION ALTERNATIVE-NAMES
  key "$1"
  local subject="/CN=$2"; [ -z "${3:-}" ] || subject="/O=$3/CN=$2"
  {
    echo basicConstraints=CA:FALSE; echo keyUsage=digitalSignature,keyEncipherment; echo extendedKeyUsage=serverAuth,clientAuth
    [ -z "${4:-}" ] || echo "subjectAltName=$4"
  } > "$1.ext"
  openssl req -new -key "$1.key" -subj "$subject" 2>/dev/null |
    openssl x509 -req -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -extfile "$1.ext" -out "$1.crt" 2>/dev/null
}
inside=DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local
cert apiserver kube-apiserver "" "$inside,DNS:localhost,IP:127.0.0.1,IP:10.96.0.1,IP:10.99.0.1"
cert apiserver-kubelet kube-apiserver-kubelet-client system:masters
cert front-proxy front-proxy-client
cert kubelet system:node:node1 system:nodes DNS:node1,IP:10.99.0.1,IP:127.0.0.1
cert admin admin system:masters
cert controllers system:kube-controller-manager
cert scheduler system:kube-scheduler
cert proxy system:kube-proxy
openssl genrsa -out sa.key 2048 2>/dev/null
openssl rsa -in sa.key -pubout -out sa.pub 2>/dev/null

kubeconfig() { # FILE CERTIFICATE SERVER
  cat > "$K/$1.kubeconfig" <<EOF
apiVersion: v1
kind: Config
clusters: [{name: node, cluster: {server: "$3", certificate-authority-data: $(base64 -w0 < ca.crt)}}]
users: [{name: $2, user: {client-certificate-data: $(base64 -w0 < "$2.crt"), client-key-data: $(base64 -w0 < "$2.key")}}]
contexts: [{name: node, context: {cluster: node, user: $2}}]
current-context: node
EOF
}
for name in kubelet admin controllers scheduler proxy; do kubeconfig $name $name https://127.0.0.1:6443; done
kubeconfig outside admin "https://127.0.0.1:$PORT"
: > "$K/resolv.conf"
