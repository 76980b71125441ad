{{- /* Every name begins with it. Too long for a pod's label is refused, not cut: two releases must not meet. */}}
{{- define "thanos.fullname" -}}
{{- $name := ternary .Release.Name (printf "%s-thanos" .Release.Name) (contains "thanos" .Release.Name) }}
{{- if gt (len $name) 35 }}
{{- fail (printf "the release's name is too long: %s has %d letters, and names of pods leave room for 35" $name (len $name)) }}
{{- end }}
{{- $name }}
{{- end }}

{{- /* Unique in the cluster: no namespace has a dot in its name. */}}
{{- define "thanos.clusterName" -}}
{{ .Release.Namespace }}.{{ include "thanos.fullname" . }}
{{- end }}

{{- define "thanos.labels" -}}
app.kubernetes.io/name: thanos
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- /* Of a part: dict root, part. */}}
{{- define "thanos.selector" -}}
app.kubernetes.io/name: thanos
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- /* The metadata of whatever belongs to a part. */}}
{{- define "thanos.metadata" -}}
name: {{ include "thanos.fullname" .root }}-{{ .part }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "thanos.labels" .root | nindent 2 }}
  app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- /* The metadata of what belongs to the release: dict root, suffix. */}}
{{- define "thanos.named" -}}
name: {{ include "thanos.fullname" .root }}{{ with .suffix }}-{{ . }}{{ end }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "thanos.labels" .root | nindent 2 }}
{{- end }}

{{- define "thanos.image" -}}
{{- with .Values.image }}
{{- if .digest }}{{ .repository }}@{{ .digest }}
{{- else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end }}
{{- end }}
{{- end }}

{{- /* The name of a part in the cluster's DNS. */}}
{{- define "thanos.host" -}}
{{ include "thanos.fullname" .root }}-{{ .part }}.{{ .root.Release.Namespace }}.svc.{{ .root.Values.clusterDomain }}
{{- end }}

{{- /* A number of replicas, unless an autoscaler decides: dict values. */}}
{{- define "thanos.replicas" -}}
{{- if not (dig "autoscaling" "enabled" false .values) }}
replicas: {{ .values.replicas }}
{{- end }}
{{- end }}

{{- /* What the template of every pod says of itself: dict root, part, bucket (whether it reaches the object store). */}}
{{- define "thanos.podMetadata" -}}
labels:
  {{- include "thanos.selector" . | nindent 2 }}
  {{- if and .bucket (eq .root.Values.identity.mode "workload") }}
  azure.workload.identity/use: "true"
  {{- end }}
{{- $annotations := dict }}
{{- if .bucket }}
{{- $_ := set $annotations "checksum/objstore" (include "thanos.objstoreChecksum" .root) }}
{{- end }}
{{- with .checksum }}
{{- $_ := set $annotations "checksum/files" . }}
{{- end }}
{{- with merge $annotations .root.Values.podAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* As restricted as Pod Security can ask for. No token of the API server: nothing here talks to it. */}}
{{- define "thanos.pod" -}}
serviceAccountName: {{ include "thanos.fullname" .root }}{{ if not .bucket }}-stateless{{ end }}
automountServiceAccountToken: false
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
  runAsUser: 1001
  runAsGroup: 1001
  fsGroup: 1001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
topologySpreadConstraints:
{{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
- maxSkew: 1
  topologyKey: {{ . }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "thanos.selector" $ | nindent 6 }}
{{- end }}
{{- end }}

{{- /* dict root, and seconds that a start may take (a log that is replayed, a bucket that is listed). */}}
{{- define "thanos.container" -}}
image: {{ include "thanos.image" .root | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
terminationMessagePolicy: FallbackToLogsOnError
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
startupProbe:
  httpGet: {path: /-/ready, port: http}
  periodSeconds: 2
  failureThreshold: {{ div (.starts | default 120) 2 }}
readinessProbe:
  httpGet: {path: /-/ready, port: http}
  periodSeconds: 5
  failureThreshold: 3
livenessProbe:
  httpGet: {path: /-/healthy, port: http}
  periodSeconds: 30
  failureThreshold: 4
  timeoutSeconds: 5
{{- if .sleeps }}
# Whoever still has this address in mind is answered.
lifecycle:
  preStop:
    sleep: {seconds: 10}
{{- end }}
{{- end }}

{{- define "thanos.podName" -}}
env:
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
{{- end }}

{{- /* What every part is told. */}}
{{- define "thanos.arguments" -}}
- --log.level={{ .Values.log.level }}
- --log.format={{ .Values.log.format }}
- --http-address=0.0.0.0:10902
- --enable-auto-gomemlimit
{{- end }}

{{- define "thanos.extraArguments" -}}
{{- range . }}
- {{ . | quote }}
{{- end }}
{{- end }}

{{- /* Of a StatefulSet: dict root, storage. */}}
{{- define "thanos.volumeClaims" -}}
volumeClaimTemplates:
- metadata:
    name: data
    {{- with .root.Values.volumeLabels }}
    labels:
      {{- toYaml . | nindent 6 }}
    {{- end }}
  spec:
    accessModes: [ReadWriteOnce]
    {{- with .storage.className }}
    storageClassName: {{ . | quote }}
    {{- end }}
    resources:
      requests: {storage: {{ .storage.size }}}
{{- end }}

{{- /* A map as YAML, its numbers whole: helm writes one of many digits as 3.3554432e+07. */}}
{{- define "thanos.limits" -}}
{{- $lines := list }}
{{- range $key, $value := . }}
{{- if and (kindIs "map" $value) $value }}
{{- $lines = append $lines (printf "%q:%s" $key (include "thanos.limits" $value | nindent 2)) }}
{{- else if kindIs "map" $value }}
{{- $lines = append $lines (printf "%q: {}" $key) }}
{{- else if kindIs "string" $value }}
{{- $lines = append $lines (printf "%q: %q" $key $value) }}
{{- else }}
{{- $lines = append $lines (printf "%q: %d" $key (int64 $value)) }}
{{- end }}
{{- end }}
{{- join "\n" $lines }}
{{- end }}
