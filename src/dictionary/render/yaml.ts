/** What a document of YAML is made of. */
export type YamlValue =
  | string
  | number
  | boolean
  | readonly YamlValue[]
  | { readonly [key: string]: YamlValue }

/** Returns a value as a block of YAML. Texts are quoted as in JSON, which YAML reads as it is. */
export function toYaml(value: YamlValue): string {
  return `${linesOf(value).join('\n')}\n`
}

function linesOf(value: YamlValue): string[] {
  if (typeof value !== 'object') return [JSON.stringify(value)]
  if (isList(value)) {
    if (value.length === 0) return ['[]']
    return value.flatMap((item) => {
      const [first = '', ...others] = linesOf(item)
      return [`- ${first}`, ...others.map((line) => `  ${line}`)]
    })
  }
  const entries = Object.entries(value)
  if (entries.length === 0) return ['{}']
  return entries.flatMap(([key, item]) => {
    const lines = linesOf(item)
    const isBlock = typeof item === 'object' && lines[0] !== '[]' && lines[0] !== '{}'
    return isBlock ? [`${key}:`, ...lines.map((line) => `  ${line}`)] : [`${key}: ${lines[0]}`]
  })
}

function isList(value: YamlValue): value is readonly YamlValue[] {
  return Array.isArray(value)
}
