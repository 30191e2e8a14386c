/** Reads spans from the requests of an OTLP exporter. It decodes enough of protobuf to need no library. */

export type Value = string | number | boolean | readonly Value[]
export type Attributes = Readonly<Record<string, Value>>

export interface CollectedSpan {
  readonly name: string
  readonly kind: 'internal' | 'server' | 'client' | 'other'
  readonly traceId: string
  readonly spanId: string
  /** Empty for a root span. */
  readonly parentSpanId: string
  readonly attributes: Attributes
  readonly events: readonly { readonly name: string; readonly attributes: Attributes }[]
  readonly links: readonly { readonly traceId: string; readonly spanId: string; readonly attributes: Attributes }[]
  /** Message of an error status, otherwise undefined. */
  readonly error: string | undefined
  /** Milliseconds since 1970. */
  readonly startMs: number
  readonly endMs: number
}

/** ExportTraceServiceRequest → resource_spans (1) → scope_spans (2) → spans (2). */
export function spansOf(body: Buffer): CollectedSpan[] {
  return fieldsOf(body, 1)
    .flatMap(resource => fieldsOf(resource, 2))
    .flatMap(scope => fieldsOf(scope, 2))
    .map(spanOf)
}

const kinds = ['other', 'internal', 'server', 'client'] as const

function spanOf(span: Buffer): CollectedSpan {
  const [status] = fieldsOf(span, 15)
  const isError = status !== undefined && numberOf(fieldsOf(status, 3)[0]) === 2
  return {
    traceId: textOf(span, 1, 'hex'),
    spanId: textOf(span, 2, 'hex'),
    parentSpanId: textOf(span, 4, 'hex'),
    name: textOf(span, 5),
    kind: kinds[numberOf(fieldsOf(span, 6)[0])] ?? 'other',
    startMs: msOf(fieldsOf(span, 7)[0]),
    endMs: msOf(fieldsOf(span, 8)[0]),
    attributes: attributesOf(fieldsOf(span, 9)),
    events: fieldsOf(span, 11).map(event => ({ name: textOf(event, 2), attributes: attributesOf(fieldsOf(event, 3)) })),
    links: fieldsOf(span, 13).map(link => ({
      traceId: textOf(link, 1, 'hex'),
      spanId: textOf(link, 2, 'hex'),
      attributes: attributesOf(fieldsOf(link, 4)),
    })),
    error: isError ? textOf(status, 2) : undefined,
  }
}

function textOf(message: Buffer, field: number, encoding: 'hex' | 'utf8' = 'utf8'): string {
  return fieldsOf(message, field)[0]?.toString(encoding) ?? ''
}

function msOf(fixed: Buffer | undefined): number {
  return fixed ? Number(fixed.readBigUInt64LE()) / 1e6 : 0
}

function attributesOf(pairs: readonly Buffer[]): Attributes {
  return Object.fromEntries(pairs.map(pair => [textOf(pair, 1), valueOf(fieldsOf(pair, 2)[0] ?? Buffer.alloc(0))]))
}

/** AnyValue: string (1), bool (2), int (3), double (4), array (5). */
function valueOf(value: Buffer): Value {
  const [text, flag, whole, double, list] = [1, 2, 3, 4, 5].map(field => fieldsOf(value, field)[0])
  if (text) return text.toString('utf8')
  if (flag) return numberOf(flag) === 1
  if (whole) return numberOf(whole)
  if (double) return double.readDoubleLE()
  return list ? fieldsOf(list, 1).map(valueOf) : ''
}

/** Number from the bytes of a varint, or 0 if absent, because the format omits zeros. */
function numberOf(varint: Buffer | undefined): number {
  return (varint ?? Buffer.alloc(0)).reduceRight((value, byte) => value * 128 + (byte & 127), 0)
}

/** Bytes of each value of one field of a message, for any wire type. */
function fieldsOf(message: Buffer, wanted: number): Buffer[] {
  const found: Buffer[] = []
  let at = 0
  const varint = () => {
    const start = at
    while (message[at++]! >= 128);
    return message.subarray(start, at)
  }
  while (at < message.length) {
    const tag = numberOf(varint())
    const value = valueAt(tag & 7)
    if (tag >>> 3 === wanted) found.push(value)
  }
  return found

  function valueAt(wireType: number): Buffer {
    if (wireType === 0) return varint()
    const length = wireType === 1 ? 8 : wireType === 5 ? 4 : wireType === 2 ? numberOf(varint()) : NaN
    if (Number.isNaN(length)) throw new Error(`not a protobuf message: wire type ${wireType}`)
    at += length
    return message.subarray(at - length, at)
  }
}
