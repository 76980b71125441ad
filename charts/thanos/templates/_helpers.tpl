{{- define "thanos.fullname" -}}
{{- .Release.Name }}
{{- end }}
