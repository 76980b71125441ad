{{- /* Pods of the release, part by part: dict root, parts. */}}
{{- define "thanos.peers" -}}
{{- range without .parts "" }}
- podSelector:
    matchLabels:
      {{- include "thanos.selector" (dict "root" $.root "part" .) | nindent 6 }}
{{- end }}
{{- end }}

{{- /* How the policy of every part begins: its metrics may be read. More ingress follows, then egress. */}}
{{- define "thanos.policy" }}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "thanos.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "thanos.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
  - ports: [{port: http}]
    from:
    {{- toYaml .root.Values.networkPolicy.metricsFrom | nindent 4 }}
{{- end }}

{{- define "thanos.dns" -}}
- ports:
  - {port: 53, protocol: UDP}
  - {port: 53, protocol: TCP}
{{- end }}

{{- /*
Who stands between the world and Thanos. Behind it nobody is asked for a password, so a label that any pod of the cluster
can carry is not enough: its namespace counts too.
*/}}
{{- define "thanos.gatewayPeers" -}}
{{- $kind := .Values.gateway.kind }}
{{- if .Values.networkPolicy.gatewayFrom }}
{{- toYaml .Values.networkPolicy.gatewayFrom }}
{{- else if eq $kind "envoy-gateway" }}
- namespaceSelector:
    matchExpressions:
    - {key: kubernetes.io/metadata.name, operator: In, values: [envoy-gateway-system, {{ .Release.Namespace }}]}
  podSelector:
    matchLabels:
      gateway.envoyproxy.io/owning-gateway-name: {{ include "thanos.fullname" . }}
      gateway.envoyproxy.io/owning-gateway-namespace: {{ .Release.Namespace }}
{{- else if eq $kind "ingress-nginx" }}
- namespaceSelector:
    matchLabels: {kubernetes.io/metadata.name: ingress-nginx}
{{- else if eq $kind "gateway-api" }}
- namespaceSelector: {}
{{- end }}
{{- end }}

{{- /* The object store and what gives tokens for it, wherever they are; of a node's metadata only the identity, if asked. */}}
{{- define "thanos.bucketEgress" -}}
- ports:
  {{- range .Values.networkPolicy.objectStoragePorts }}
  - {port: {{ . }}}
  {{- end }}
  to:
  - ipBlock: {cidr: 0.0.0.0/0, except: [169.254.0.0/16]}
  - ipBlock: {cidr: "::/0", except: ["fe80::/10"]}
{{- if eq .Values.identity.mode "kubelet" }}
- ports:
  - {port: 80}
  to:
  - ipBlock: {cidr: 169.254.169.254/32}
{{- end }}
{{- end }}
