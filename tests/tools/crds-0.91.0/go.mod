module kubectl-thanos.dev/tools/crds-0.91.0

go 1.26.0

require github.com/prometheus-operator/prometheus-operator v0.91.0
