import { randomUUID } from 'node:crypto'
import type { Observer, RunEvent, RunName } from '../../pipeline/run-events.ts'
import { appVersion } from '../../version.ts'
import type { ServerAddress } from '../../warehouse/connection/address.ts'
import { type TableName, tables } from '../../warehouse/tables.generated.ts'
import type { Message } from '../ping.ts'

const producer = `urn:cosell:${appVersion}`
const specification = 'https://openlineage.io/spec'
const schemaURL = `${specification}/2-0-2/OpenLineage.json#/$defs/RunEvent`

/** What an event says beside the run. */
export interface LineageFacts {
  readonly namespace: string
  /** Address of the API by account; that of an import has none. */
  readonly apiUrls: ReadonlyMap<string, string>
  readonly server: ServerAddress
  /** Views of `mart`, as far as they are known. */
  readonly marts: readonly string[]
}

type LineageEvent = Extract<RunEvent, { kind: 'begun' | 'published' | 'failed' }>

/** Returns the run event of OpenLineage 2-0-2 for the begin or the end of a run. */
export function lineageEvent(
  event: LineageEvent & RunName,
  { uuid, mode }: { readonly uuid: string; readonly mode: string },
  { namespace, apiUrls, server, marts }: LineageFacts,
) {
  const api = apiUrls.get(event.account)
  const isRead = mode !== 'import' && mode !== 'rebuild'
  const inputs =
    isRead && api !== undefined ? [{ namespace: api, name: '/v1.0/engagements/referrals' }] : []
  const warehouse = `postgres://${server.host}:${server.port}`
  const star = (Object.keys(tables) as TableName[]).filter((name) => name.startsWith('dw.'))
  const outputs = [...star, ...marts].map((name) => ({
    namespace: warehouse,
    name: `${server.database}.${name}`,
  }))
  return {
    eventType: { begun: 'START', published: 'COMPLETE', failed: 'FAIL' }[event.kind],
    eventTime: new Date(event.atMs).toISOString(),
    producer,
    schemaURL,
    run: { runId: uuid, facets: runFacets(event) },
    job: {
      namespace,
      name: `cosell.${mode === 'incremental' || mode === 'full' ? 'run' : mode}.${event.account}`,
      facets: {
        jobType: {
          ...facet('2-0-4/JobTypeJobFacet'),
          processingType: 'BATCH',
          integration: 'COSELL',
          jobType: 'JOB',
        },
      },
    },
    inputs,
    outputs,
  }
}

function runFacets(event: LineageEvent) {
  const engine = {
    ...facet('1-1-1/ProcessingEngineRunFacet'),
    version: appVersion,
    name: 'cosell',
  }
  if (event.kind !== 'failed') return { processing_engine: engine }
  // The code alone: a message may name what is the business of the operator.
  const message = { message: event.code, programmingLanguage: 'TypeScript' }
  return {
    processing_engine: engine,
    errorMessage: { ...facet('1-0-1/ErrorMessageRunFacet'), ...message },
  }
}

function facet(path: string) {
  const name = path.slice(path.indexOf('/') + 1)
  return {
    _producer: producer,
    _schemaURL: `${specification}/facets/${path}.json#/$defs/${name}`,
  }
}

/** Where events go, by the variables that OpenLineage's own clients know. */
export function lineageTarget(
  variables: Readonly<Record<string, string>>,
): Pick<Message, 'address' | 'headers'> & { readonly namespace: string } {
  const {
    OPENLINEAGE_URL: url = '',
    OPENLINEAGE_ENDPOINT: endpoint = 'api/v1/lineage',
    OPENLINEAGE_API_KEY: key,
    OPENLINEAGE_NAMESPACE: namespace = 'default',
  } = variables
  return {
    address: `${url.replace(/\/$/, '')}/${endpoint.replace(/^\//, '')}`,
    headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
    namespace,
  }
}

/** Returns an observer that passes on an event for the begin and the end of each run. */
export function observeLineage(facts: () => LineageFacts, send: (event: object) => void): Observer {
  const runs = new Map<number, { uuid: string; mode: string }>()
  return (event) => {
    if (event.kind === 'begun') runs.set(event.runId, { uuid: randomUUID(), mode: event.mode })
    if (event.kind !== 'begun' && event.kind !== 'published' && event.kind !== 'failed') return
    const run = runs.get(event.runId)
    if (run !== undefined) send(lineageEvent(event, run, facts()))
  }
}
