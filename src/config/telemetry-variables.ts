/** Returns the variables of OpenTelemetry and of OpenLineage, which other programs know as well. */
export function telemetryVariables(
  set: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const found = Object.entries(set).flatMap(([name, value]) =>
    /^(OTEL|OPENLINEAGE)_/.test(name) && value !== undefined ? [[name, value]] : [],
  )
  return Object.fromEntries(found)
}
