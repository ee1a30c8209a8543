import { type Context, context, type Span, SpanStatusCode, trace } from '@opentelemetry/api'
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base'
import type { Observer, RunEvent, RunName } from '../../pipeline/run-events.ts'
import { appVersion } from '../../version.ts'
import { type CommandEnd, metrics, type Sample } from './samples.ts'

/** Longer than a day: metrics are sent at the end, and the reader has no way to be told so. */
const neverMs = 2 ** 31 - 1

export interface Telemetry {
  readonly observe: Observer
  /** Ends the spans and sends what was not sent; may take as long as the collector. */
  end(end: CommandEnd, samples: readonly Sample[]): Promise<void>
}

/** Which signals the standard variables ask for. */
export interface Signals {
  readonly traces: boolean
  readonly metrics: boolean
}

/**
 * Sends traces and metrics as the standard variables of OpenTelemetry say: the exporters read endpoint,
 * headers, timeout and compression from the environment. The protocol is http/protobuf.
 */
export function startTelemetry(command: string, startMs: number, signals: Signals): Telemetry {
  const named = resourceFromAttributes({
    'service.name': 'cosell',
    'service.version': appVersion,
  })
  const resource = named.merge(detectResources({ detectors: [envDetector] }))
  const processors = signals.traces ? [new BatchSpanProcessor(new OTLPTraceExporter())] : []
  const traces = new BasicTracerProvider({ resource, spanProcessors: processors })
  const tracer = traces.getTracer('cosell', appVersion)
  const root = tracer.startSpan(`cosell ${command}`, { startTime: new Date(startMs) })
  const spans = observeSpans(
    (name, startMs, parent) => tracer.startSpan(name, { startTime: new Date(startMs) }, parent),
    trace.setSpan(context.active(), root),
  )
  return {
    observe: spans.observe,
    async end(end, samples) {
      spans.endAll(end.endMs)
      root.setAttribute('cosell.exit_code', end.exitCode)
      if (end.exitCode !== 0) root.setStatus({ code: SpanStatusCode.ERROR })
      root.end(new Date(end.endMs))
      const sent = [traces.shutdown()]
      if (signals.metrics) sent.push(sendMetrics(samples))
      await Promise.all(sent)
    },
  }

  async function sendMetrics(samples: readonly Sample[]): Promise<void> {
    const reader = new PeriodicExportingMetricReader({
      exporter: new OTLPMetricExporter(),
      exportIntervalMillis: neverMs,
    })
    const provider = new MeterProvider({ resource, readers: [reader] })
    const meter = provider.getMeter('cosell', appVersion)
    for (const { metric, labels, value } of samples) {
      const unit = metric.endsWith('_seconds') ? 's' : '1'
      meter.createGauge(metric, { description: metrics[metric], unit }).record(value, labels)
    }
    await provider.shutdown()
  }
}

type StartSpan = (name: string, startMs: number, parent: Context) => Span

/** Spans of one run that are open. */
interface OpenRun {
  readonly span: Span
  readonly inRun: Context
  readonly startMs: number
  /** Parent of the pages; a rebuild has none. */
  extract?: Span
}

/** Makes a span of each run, stage and page. */
function observeSpans(start: StartSpan, inCommand: Context) {
  const open = new Map<number, OpenRun>()
  const begin = ({
    account,
    runId,
    mode,
    atMs: startMs,
  }: Extract<RunEvent, { kind: 'begun' }> & RunName) => {
    const span = start('run', startMs, inCommand)
    span.setAttributes({ 'cosell.account': account, 'cosell.run_id': runId, 'cosell.mode': mode })
    open.set(runId, { span, inRun: trace.setSpan(inCommand, span), startMs })
  }
  const extractOf = (run: OpenRun) => {
    run.extract ??= start('extract', run.startMs, run.inRun)
    return run.extract
  }
  const observe: Observer = (event) => {
    if (event.kind === 'begun') return begin(event)
    if (event.kind === 'account') return
    const run = open.get(event.runId)
    if (run === undefined) return
    if (event.kind === 'page') {
      const inExtract = trace.setSpan(run.inRun, extractOf(run))
      const page = start('page', event.startMs, inExtract)
      page.setAttributes({ 'cosell.page': event.no, 'cosell.referrals': event.referrals })
      page.end(new Date(event.endMs))
    } else if (event.kind === 'stage') {
      const { stage, startMs, endMs } = event
      const span = stage === 'extract' ? extractOf(run) : start(stage, startMs, run.inRun)
      if (event.isCut) span.setStatus({ code: SpanStatusCode.ERROR })
      span.end(new Date(endMs))
    } else {
      endRun(run.span, event)
      open.delete(event.runId)
    }
  }
  return {
    observe,
    endAll: (endMs: number) => {
      for (const { span, extract } of open.values()) {
        for (const one of [extract, span]) one?.end(new Date(endMs))
      }
    },
  }
}

function endRun(span: Span, event: Extract<RunEvent, { kind: 'published' | 'failed' }>) {
  if (event.kind === 'failed') {
    span.setStatus({ code: SpanStatusCode.ERROR, message: event.code })
    span.setAttributes({
      'cosell.requests': event.requests,
      'cosell.throttled_ms': Math.round(event.throttledMs),
    })
  }
  if (event.kind === 'published') {
    const { seen, changed, quarantined, requests, throttled_ms, rows_written } = event.summary
    span.setAttributes({
      'cosell.referrals.seen': seen,
      'cosell.referrals.changed': changed,
      'cosell.referrals.quarantined': quarantined,
      'cosell.requests': requests,
      'cosell.throttled_ms': throttled_ms,
      'cosell.rows_written': rows_written,
    })
  }
  span.end(new Date(event.atMs))
}
