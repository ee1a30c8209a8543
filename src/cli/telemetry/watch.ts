import { setTimeout as sleep } from 'node:timers/promises'
import { type Config, setVariables } from '../../config.ts'
import type { Logger } from '../../log.ts'
import type { Observer, WatchedEvent } from '../../pipeline/run-events.ts'
import type { OpenWarehouse } from '../../warehouse/open.ts'
import { postJson } from '../ping.ts'
import { lineageTarget, observeLineage } from './openlineage.ts'
import type { Telemetry } from './opentelemetry.ts'
import { writeMetricsFile } from './prometheus.ts'
import { listMarts, readState } from './read-state.ts'
import { commandSamples, eventSamples, type Sample, stateSamples } from './samples.ts'

/** Longest wait for all collectors together at the end, and for one message under way. */
const lastMsMax = 1_000
/** Longest time to read the state of the accounts. */
const stateMsMax = 1_500

/** What a command wants to be known of it. */
export interface WatchRequest {
  readonly command: string
  /** File for Prometheus' textfile collector. */
  readonly metricsFile?: string | undefined
}

/** Those that watch a command: a file of metrics, OpenTelemetry, OpenLineage. */
export interface Watch {
  readonly observe: Observer
  /** Tells which warehouse and which accounts it is about, before the first run. */
  opened(warehouse: OpenWarehouse, inForce: Config): Promise<void>
  /** Reads what the metrics say of the accounts, while the warehouse is open. */
  readState(): Promise<void>
  /** Sends and writes what is left, and waits for it for a moment. It never fails. */
  end(exitCode: number): Promise<void>
}

/** Begins to watch a command. Nothing that watches changes its outcome; what fails is logged. */
export function startWatch(
  config: Config,
  { command, metricsFile }: WatchRequest,
  logger: Logger,
): Watch {
  const startMs = Date.now()
  // Loaded while the warehouse opens.
  const loading = startOtel(config, command, startMs, logger).catch((error: unknown) => {
    logger.warn({ got: reasonOf(error) }, 'OpenTelemetry does not start; the load is not affected')
    return undefined
  })
  let telemetry: Telemetry | undefined
  const lineage = startLineage(config, logger)
  const events: WatchedEvent[] = []
  let opened: { readonly warehouse: OpenWarehouse; readonly inForce: Config } | undefined
  let state: readonly Sample[] | undefined
  return {
    observe: (event) => {
      if (event.kind !== 'page') events.push(event)
      telemetry?.observe(event)
      lineage?.observe(event)
    },
    opened: async (warehouse, inForce) => {
      opened = { warehouse, inForce }
      telemetry = await loading
      await lineage?.opened(warehouse, inForce)
    },
    readState: async () => {
      const isWanted = metricsFile !== undefined || telemetry !== undefined
      if (!isWanted || opened === undefined) return
      const read = readState(opened.warehouse, opened.inForce).then((found) => {
        state = stateSamples(found, Date.now())
      })
      await settle('state of the accounts', read, stateMsMax, logger)
    },
    end: async (exitCode) => {
      const end = { command, exitCode, startMs, endMs: Date.now() }
      telemetry = await loading
      const samples = [...(state ?? []), ...eventSamples(events), ...commandSamples(end)]
      const works: Promise<void>[] = []
      if (telemetry !== undefined) {
        const sent = telemetry.end(end, samples)
        works.push(settle('OpenTelemetry collector', sent, lastMsMax, logger))
      }
      if (lineage !== undefined) {
        works.push(settle('OpenLineage server', lineage.end(), lastMsMax, logger))
      }
      if (metricsFile !== undefined) {
        const written = writeMetricsFile(metricsFile, samples, state !== undefined)
        works.push(settle(`metrics file ${metricsFile}`, written, lastMsMax, logger))
      }
      await Promise.all(works)
    },
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Waits for work that may fail or take too long, and logs either. */
async function settle(name: string, work: Promise<void>, msMax: number, logger: Logger) {
  const isOver = new AbortController()
  const late = sleep(msMax, undefined, { signal: isOver.signal }).then(
    () => `no end within ${msMax} ms`,
    () => '',
  )
  const done = work.then(() => '', reasonOf)
  const problem = await Promise.race([done, late])
  isOver.abort()
  if (problem !== '')
    logger.warn({ got: problem }, `${name}: not all was taken; the load is not affected`)
}

async function startOtel(
  { telemetry: variables }: Config,
  command: string,
  startMs: number,
  logger: Logger,
): Promise<Telemetry | undefined> {
  const isSet = (name: string) => (variables[name] ?? '').trim() !== ''
  const isWanted = (signal: 'TRACES' | 'METRICS') =>
    variables[`OTEL_${signal}_EXPORTER`] !== 'none' &&
    (isSet('OTEL_EXPORTER_OTLP_ENDPOINT') || isSet(`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`))
  const signals = { traces: isWanted('TRACES'), metrics: isWanted('METRICS') }
  if (variables.OTEL_SDK_DISABLED?.toLowerCase() === 'true') return undefined
  if (!signals.traces && !signals.metrics) return undefined
  const protocol = variables.OTEL_EXPORTER_OTLP_PROTOCOL ?? 'http/protobuf'
  if (protocol !== 'http/protobuf') {
    const text = 'OTEL_EXPORTER_OTLP_PROTOCOL: expected http/protobuf; nothing is sent'
    logger.warn({ got: protocol }, text)
    return undefined
  }
  setVariables(variables)
  const { startTelemetry } = await import('./opentelemetry.ts')
  return startTelemetry(command, startMs, signals)
}

/** Sends events in their order, each once. */
function startLineage({ telemetry: variables, network }: Config, logger: Logger) {
  if ((variables.OPENLINEAGE_URL ?? '').trim() === '') return undefined
  if (variables.OPENLINEAGE_DISABLED?.toLowerCase() === 'true') return undefined
  const { address, headers, namespace } = lineageTarget(variables)
  let apiUrls: ReadonlyMap<string, string> = new Map()
  let server: OpenWarehouse['server'] = { host: '', port: 0, database: '' }
  let marts: readonly string[] = []
  let sent: Promise<void> = Promise.resolve()
  const send = async (body: object) => {
    const status = await postJson({ address, headers, network, body, timeoutMs: lastMsMax })
    if (status >= 400) throw new Error(`status ${status}`)
  }
  return {
    opened: async (warehouse: OpenWarehouse, { accounts }: Config) => {
      apiUrls = new Map(accounts.map(({ name, apiUrl }) => [name, apiUrl]))
      server = warehouse.server
      marts = await listMarts(warehouse).catch(() => [])
    },
    observe: observeLineage(
      () => ({ namespace, apiUrls, server, marts }),
      (event) => {
        const next = sent.catch(() => undefined).then(() => send(event))
        sent = next
        next.catch((error: unknown) => {
          logger.debug({ got: String(error) }, 'OpenLineage server: an event was not taken')
        })
      },
    ),
    end: () => sent,
  }
}
