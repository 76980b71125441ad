{{- /* What the gateway must be told, before anything is rendered of it. */}}
{{- define "thanos.gatewayCheck" -}}
{{- with .Values.gateway }}
{{- $write := required "gateway.hosts.write: the host that members write to" .hosts.write }}
{{- $read := required "gateway.hosts.read: the host that Grafana reads from" .hosts.read }}
{{- if eq $write $read }}
{{- fail "gateway.hosts: write and read must differ, each has its own users" }}
{{- end }}
{{- if and .certificate.acme.enabled .certificate.issuer.name }}
{{- fail "gateway.certificate: either an issuer that is there, or acme, which makes one" }}
{{- end }}
{{- if not (or .certificate.secretName .certificate.acme.enabled .certificate.issuer.name) }}
{{- fail "gateway.certificate: one of secretName (a certificate that is there), issuer.name or acme.enabled" }}
{{- end }}
{{- if and .certificate.issuer.name (not .certificate.issuer.kind) }}
{{- fail "gateway.certificate.issuer.kind: Issuer or ClusterIssuer" }}
{{- end }}
{{- if eq .kind "gateway-api" }}
{{- $_ := required "gateway.className: the GatewayClass that is there" .className }}
{{- $_ := required "gateway.authenticatedBy: the standard has no passwords. Say who asks for them before Thanos is reached, and sets THANOS-TENANT" .authenticatedBy }}
{{- end }}
{{- end }}
{{- end }}

{{- define "thanos.certificateSecret" -}}
{{- .Values.gateway.certificate.secretName | default (printf "%s-tls" (include "thanos.fullname" .)) }}
{{- end }}

{{- define "thanos.className" -}}
{{- $own := ternary (include "thanos.clusterName" .) "nginx" (eq .Values.gateway.kind "envoy-gateway") }}
{{- .Values.gateway.className | default $own }}
{{- end }}

{{- /* dict root, door (write or read). */}}
{{- define "thanos.usersSecret" -}}
{{- (index .root.Values.gateway.users .door).secretName | default (printf "%s-%s-users" (include "thanos.fullname" .root) .door) }}
{{- end }}

{{- /* Where a door leads to: Thanos, or the proxy before it. */}}
{{- define "thanos.backend" -}}
{{- $backend := dict "name" "" }}
{{- if eq .root.Values.gateway.kind "gateway-api" }}
{{- $backend = index .root.Values.gateway.backends .door }}
{{- end }}
{{- if $backend.name }}
{{- if not $backend.port }}{{ fail (printf "gateway.backends.%s.port: the port of %s" .door $backend.name) }}{{ end }}
{name: {{ $backend.name }}, port: {{ $backend.port }}}
{{- else if eq .door "write" }}
{name: {{ include "thanos.fullname" .root }}-receive-router, port: 19291}
{{- else }}
{name: {{ include "thanos.fullname" .root }}-query-frontend, port: 10902}
{{- end }}
{{- end }}

{{- /* 5m as 300. */}}
{{- define "thanos.seconds" -}}
{{- $unit := dict "s" 1 "m" 60 "h" 3600 }}
{{- mul (regexFind "^[0-9]+" .) (index $unit (regexFind "[smh]$" .)) }}
{{- end }}
