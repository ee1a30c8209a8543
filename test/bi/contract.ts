import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Campaign, Stage } from './campaign-type.ts'

/** Validates a contract by the schema of the standard, which refuses keys that it does not know. */
const validate = `
import json, pathlib, sys, datacontract, jsonschema, yaml
schema = pathlib.Path(datacontract.__file__).parent / "schemas" / "odcs-3.1.0.schema.json"
validator = jsonschema.Draft201909Validator(json.loads(schema.read_text()))
contract = yaml.safe_load(pathlib.Path(sys.argv[1]).read_text())
errors = [f"{list(error.path)}: {error.message}"[:300] for error in validator.iter_errors(contract)]
sys.exit("\\n".join(errors) if errors else 0)
`

/**
 * The data contracts that `cosell docs` writes are valid by the published schema of the standard, and
 * the warehouse keeps them in the eyes of datacontract-cli, as the reader.
 */
export const campaign: Campaign = {
  name: 'contract',
  packages: [['datacontract-cli[postgres]==1.2.8']],
  async run(stage) {
    await stage.cosell('docs', '--out', path.join(stage.folder, 'shared'))
    const found: string[] = []
    for (const schema of ['mart', 'dw']) {
      const file = path.join(stage.folder, `shared/contracts/${schema}.odcs.yaml`)
      await stage.execute(stage.program('python'), ['-c', validate, file])
      found.push(`${schema}: ${await tested(stage, file)}`)
    }
    await expectFailures(stage)
    return found.join('; ')
  },
}

/** Runs every check of a contract and returns how it went. */
async function tested({ execute, program, warehouse }: Stage, file: string): Promise<string> {
  const { username, password } = new URL(warehouse.readerUrl)
  const env = {
    DATACONTRACT_POSTGRES_USERNAME: username,
    DATACONTRACT_POSTGRES_PASSWORD: decodeURIComponent(password),
    COLUMNS: '200',
  }
  const output = await execute(program('datacontract'), ['test', file], { env })
  return output.trimEnd().split('\n').at(-1) ?? ''
}

/** A contract that is wrong is refused, by its form or by the warehouse. */
async function expectFailures(stage: Stage) {
  const whole = await readFile(path.join(stage.folder, 'shared/contracts/mart.odcs.yaml'), 'utf8')
  const file = path.join(stage.folder, 'wrong.odcs.yaml')
  const wrong = async (what: string, text: string, check: () => Promise<unknown>) => {
    if (text === whole) throw new Error(`${what}: nothing was changed`)
    await writeFile(file, text)
    const isAccepted = await check().then(
      () => true,
      () => false,
    )
    if (isAccepted) throw new Error(`${what}: expected a failure, the contract was accepted`)
  }
  await wrong(
    'a key that the standard does not know',
    whole.replace('physicalType', 'fysicalType'),
    () => stage.execute(stage.program('python'), ['-c', validate, file]),
  )
  await wrong(
    'a column that is not there',
    whole.replace('name: "referral_key"', 'name: "referal_key"'),
    () => tested(stage, file),
  )
  await wrong(
    'a column of another type',
    whole.replace('physicalType: "numeric(28,4)"', 'physicalType: "boolean"'),
    () => tested(stage, file),
  )
}
