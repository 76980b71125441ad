module kubectl-thanos.dev/tools/crds-hub

go 1.26.7

require (
	github.com/cert-manager/cert-manager v1.21.2
	github.com/envoyproxy/gateway v1.9.1
	sigs.k8s.io/gateway-api v1.6.1
)
