import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Campaign } from './campaign-type.ts'

const samples = fileURLToPath(new URL('../../examples/kubernetes/', import.meta.url))

/**
 * The samples of Kubernetes are valid by the schemas of its API, which refuse what they do not know, from
 * the first version that has all that they use.
 */
export const campaign: Campaign = {
  name: 'kubernetes',
  packages: [['kubernetes-validate==1.37.0']],
  async run({ folder, execute, program }) {
    const files = (await readdir(samples)).map((name) => path.join(samples, name))
    const validate = (version: string, file: string) =>
      execute(program('kubernetes-validate'), ['--strict', '-k', version, file])
    const found: string[] = []
    for (const version of ['1.29', '1.37']) {
      for (const file of files) found.push(await validate(version, file))
    }
    const text = await readFile(path.join(samples, 'cronjob.yaml'), 'utf8')
    for (const [right, wrong] of [
      ['timeZone:', 'timezone:'],
      ['backoffLimit: 3', 'backoffLimit: many'],
      ['restartPolicy: Never', 'restartPolicy: [Never]'],
    ] as const) {
      const file = path.join(folder, 'wrong.yaml')
      if (!text.includes(right)) throw new Error(`cronjob.yaml: expected ${right}`)
      await writeFile(file, text.replace(right, wrong))
      const isAccepted = await validate('1.37', file).then(
        () => true,
        () => false,
      )
      if (isAccepted) throw new Error(`${wrong}: expected a refusal`)
    }
    const kinds = [...found.join('\n').matchAll(/passed for resource (\w+)/g)].map(
      ([, kind]) => kind,
    )
    return `${[...new Set(kinds)].join(', ')} by Kubernetes 1.29 and 1.37`
  },
}
