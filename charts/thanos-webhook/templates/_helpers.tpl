{{- define "thanos-webhook.labels" -}}
app.kubernetes.io/name: thanos-webhook
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- /* The Secret that serve mounts. Another one for cert-manager: it would fight with control over one. */}}
{{- define "thanos-webhook.tlsSecret" -}}
{{- if eq .Values.certificates.source "own" }}thanos-webhook-tls
{{- else if eq .Values.certificates.source "cert-manager" }}thanos-webhook-cert-manager
{{- else }}{{ required "certificates.secretName: the Secret with tls.crt and tls.key" .Values.certificates.secretName }}
{{- end }}
{{- end }}

{{- /* cert-manager's injector writes caBundle from the Certificate's Secret. */}}
{{- define "thanos-webhook.registrationAnnotations" -}}
{{- if eq .Values.certificates.source "cert-manager" }}
annotations:
  cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/thanos-webhook
{{- end }}
{{- end }}

{{- /* Where a review is sent, and who may sign for it. */}}
{{- define "thanos-webhook.clientConfig" -}}
{{- with .root.Values.certificates.caBundle }}
caBundle: {{ . }}
{{- end }}
service:
  name: thanos-webhook
  namespace: {{ .root.Release.Namespace }}
  path: {{ .path }}
  port: 443
{{- end }}

{{- /*
Never asked: what a dead webhook must not hold up, our own namespace, and what the AKS admissions enforcer would exclude
anyway. Shipping its two expressions keeps it from rewriting the object under helm and GitOps tools.
*/}}
{{- define "thanos-webhook.namespaceSelector" -}}
matchExpressions:
- key: kubernetes.io/metadata.name
  operator: NotIn
  values: {{ concat (list "kube-system" "kube-node-lease" .Release.Namespace) .Values.registration.excludedNamespaces | uniq | toJson }}
- key: control-plane
  operator: NotIn
  values: ["true"]
- key: kubernetes.azure.com/managedby
  operator: NotIn
  values: [aks]
{{- end }}
