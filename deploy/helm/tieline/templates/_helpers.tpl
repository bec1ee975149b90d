{{- define "tieline.labels" -}}
app.kubernetes.io/name: tieline
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "tieline.selector" -}}
app.kubernetes.io/name: tieline
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* The configuration file: what the values say, and what follows from running in a pod. */}}
{{- define "tieline.config" -}}
{{- $given := .Values.config | default dict -}}
{{- $gateway := $given.gateway | default dict -}}
{{- $api := $gateway.api | default dict -}}
{{- if not $api.tokens -}}
{{- fail "config.gateway.api.tokens: the API listens beyond loopback, so it needs at least one token; `tieline token prometheus --scope read` makes one" -}}
{{- end -}}
{{- $pod := dict "gateway" (dict "data_dir" "/var/lib/tieline" "api" (dict "host" "0.0.0.0" "port" 8080)) -}}
{{- toYaml (mergeOverwrite (deepCopy $given) $pod) -}}
{{- end }}
