{{- /* The file for a container of Azure. It says who, never by which secret. */}}
{{- define "thanos.objstore" -}}
{{- $azure := .Values.objectStorage.azure }}
type: AZURE
config:
  storage_account: {{ required "objectStorage: existingSecret.name, or azure.storageAccount and azure.container" $azure.storageAccount | quote }}
  container: {{ required "objectStorage.azure.container" $azure.container | quote }}
  {{- with $azure.endpoint }}
  endpoint: {{ . | quote }}
  {{- end }}
  {{- if eq .Values.identity.mode "kubelet" }}
  user_assigned_id: {{ required "identity.clientId: the client id of the nodes' identity" .Values.identity.clientId | quote }}
  {{- end }}
  # A role on the container alone cannot make it.
  storage_create_container: false
{{- end }}

{{- define "thanos.objstoreSecret" -}}
{{- .Values.objectStorage.existingSecret.name | default (printf "%s-objstore" (include "thanos.fullname" .)) }}
{{- end }}

{{- define "thanos.objstoreChecksum" -}}
{{- with .Values.objectStorage.existingSecret }}
{{- if .name }}{{ printf "%s %s %s" .name .key .revision | sha256sum }}
{{- else }}{{ include "thanos.objstore" $ | sha256sum }}
{{- end }}
{{- end }}
{{- end }}

{{- define "thanos.objstoreArgument" -}}
- --objstore.config-file=/etc/thanos/objstore/objstore.yml
{{- end }}

{{- define "thanos.objstoreMount" -}}
- {name: objstore, mountPath: /etc/thanos/objstore, readOnly: true}
{{- end }}

{{- define "thanos.objstoreVolume" -}}
{{- $secret := .Values.objectStorage.existingSecret }}
- name: objstore
  secret:
    secretName: {{ include "thanos.objstoreSecret" . }}
    defaultMode: 0440
    items:
    - {key: {{ ternary $secret.key "objstore.yml" (ne $secret.name "") }}, path: objstore.yml}
{{- end }}
