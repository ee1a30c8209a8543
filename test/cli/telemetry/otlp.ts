/** A message of protocol buffers as it is on the wire: values by number of their field. */
type Message = ReadonlyMap<number, readonly (Uint8Array | bigint)[]>

/** Reads the wire format of protocol buffers, as its specification says, without any schema. */
function decode(bytes: Uint8Array): Message {
  const fields = new Map<number, (Uint8Array | bigint)[]>()
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  const varint = () => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = view.getUint8(at++)
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  while (at < bytes.length) {
    const tag = Number(varint())
    const values = fields.get(tag >> 3) ?? []
    fields.set(tag >> 3, values)
    const kind = tag & 7
    if (kind === 0) values.push(varint())
    else if (kind === 1) {
      values.push(view.getBigUint64(at, true))
      at += 8
    } else if (kind === 2) {
      const length = Number(varint())
      values.push(bytes.subarray(at, at + length))
      at += length
    } else if (kind === 5) {
      values.push(BigInt(view.getUint32(at, true)))
      at += 4
    } else throw new Error(`wire type ${kind}`)
  }
  return fields
}

const messages = (message: Message, field: number) =>
  (message.get(field) ?? []).map((value) => decode(value as Uint8Array))
const bytesIn = (message: Message, field: number) =>
  (message.get(field)?.[0] ?? new Uint8Array()) as Uint8Array
const textIn = (message: Message, field: number) =>
  new TextDecoder('utf8', { fatal: true }).decode(bytesIn(message, field))
const hexIn = (message: Message, field: number) =>
  Buffer.from(bytesIn(message, field)).toString('hex')
const numberIn = (message: Message, field: number) => Number(message.get(field)?.[0] ?? 0n)

function doubleOf(bits: bigint): number {
  const view = new DataView(new ArrayBuffer(8))
  view.setBigUint64(0, bits)
  return view.getFloat64(0)
}

/** Key-value pairs, whose values are texts (1), integers (3) or doubles (4). */
function attributesOf(pairs: readonly Message[]): Record<string, string | number> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [value = new Map()] = messages(pair, 2)
      const read = value.has(1)
        ? textIn(value, 1)
        : value.has(4)
          ? doubleOf(value.get(4)?.[0] as bigint)
          : numberIn(value, 3)
      return [textIn(pair, 1), read]
    }),
  )
}

/** Spans of an ExportTraceServiceRequest, by the numbers of opentelemetry/proto/trace/v1. */
export function spansIn(body: Uint8Array) {
  return messages(decode(body), 1).flatMap((ofResource) => {
    const resource = attributesOf(messages(ofResource, 1).flatMap((one) => messages(one, 1)))
    return messages(ofResource, 2).flatMap((ofScope) =>
      messages(ofScope, 2).map((span) => ({
        resource,
        trace: hexIn(span, 1),
        id: hexIn(span, 2),
        parent: hexIn(span, 4),
        name: textIn(span, 5),
        startMs: Number((span.get(7)?.[0] as bigint) / 1_000_000n),
        endMs: Number((span.get(8)?.[0] as bigint) / 1_000_000n),
        attributes: attributesOf(messages(span, 9)),
        status: messages(span, 15).map((status) => numberIn(status, 3))[0] ?? 0,
      })),
    )
  })
}

/** Points of the gauges in an ExportMetricsServiceRequest, by opentelemetry/proto/metrics/v1. */
export function pointsIn(body: Uint8Array) {
  return messages(decode(body), 1).flatMap((ofResource) =>
    messages(ofResource, 2).flatMap((ofScope) =>
      messages(ofScope, 2).flatMap((metric) =>
        messages(metric, 5).flatMap((gauge) =>
          messages(gauge, 1).map((point) => ({
            name: textIn(metric, 1),
            unit: textIn(metric, 3),
            attributes: attributesOf(messages(point, 7)),
            value: point.has(4)
              ? doubleOf(point.get(4)?.[0] as bigint)
              : Number(BigInt.asIntN(64, (point.get(6)?.[0] ?? 0n) as bigint)),
          })),
        ),
      ),
    ),
  )
}
