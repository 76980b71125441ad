{{- define "thanos-webhook.labels" -}}
app.kubernetes.io/name: thanos-webhook
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "thanos-webhook.selector" -}}
app.kubernetes.io/name: thanos-webhook
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "thanos-webhook.image" -}}
{{- with .Values.image }}
{{- if .digest }}{{ .repository }}@{{ .digest }}
{{- else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end }}
{{- end }}
{{- end }}

{{- /* What both pods are: as restricted as Pod Security can ask for. */}}
{{- define "thanos-webhook.pod" -}}
serviceAccountName: {{ .account }}
automountServiceAccountToken: true
enableServiceLinks: false
{{- with .root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
{{- toYaml . | nindent 0 }}
{{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations:
{{- toYaml . | nindent 0 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "thanos-webhook.container" -}}
image: {{ include "thanos-webhook.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
terminationMessagePolicy: FallbackToLogsOnError
env:
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: POD_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
readinessProbe:
  httpGet: {path: /readyz, port: admin}
  periodSeconds: 2
  failureThreshold: 2
livenessProbe:
  httpGet: {path: /healthz, port: admin}
  periodSeconds: 10
  failureThreshold: 6
{{- end }}

{{- /* Who may read health and metrics: a kubelet always may. */}}
{{- define "thanos-webhook.scraped" -}}
- ports:
  - {port: admin}
  from:
  {{- toYaml .Values.networkPolicy.metricsFrom | nindent 2 }}
{{- end }}

{{- /* DNS and the API server, whose address no chart can know: never an instance's metadata. */}}
{{- define "thanos-webhook.egress" -}}
- ports:
  - {port: 53, protocol: UDP}
  - {port: 53, protocol: TCP}
- ports:
  {{- range .Values.networkPolicy.apiServerPorts }}
  - {port: {{ . }}}
  {{- end }}
  to:
  - ipBlock: {cidr: 0.0.0.0/0, except: [169.254.0.0/16]}
  - ipBlock: {cidr: "::/0", except: ["fe80::/10"]}
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
