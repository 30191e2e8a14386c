import { context, SpanStatusCode, trace, TraceFlags, type Span } from '@opentelemetry/api'
import { tracing } from '@opentelemetry/sdk-node'
import t from 'tap'
import { createTailSampling } from '../../../src/tracing/tail-sampling.ts'

const { SamplingDecision } = tracing
const recorded = { shouldSample: () => ({ decision: SamplingDecision.RECORD }), toString: () => 'recorded' }
const start = Date.UTC(2026, 0, 1)

function setUp(sampler: tracing.Sampler = recorded) {
  const exporter = new tracing.InMemorySpanExporter()
  const processor = createTailSampling(new tracing.SimpleSpanProcessor(exporter), { slowMs: 1000 })
  const tracer = new tracing.BasicTracerProvider({ sampler, spanProcessors: [processor] }).getTracer('test')
  const begin = (name: string, parent?: Span) =>
    tracer.startSpan(name, { startTime: start }, parent ? trace.setSpan(context.active(), parent) : context.active())
  const end = (span: Span, ms = 1) => span.end(start + ms)
  const sent = () => exporter.getFinishedSpans().map(({ name }) => name)
  return { exporter, begin, end, sent }
}

t.test('a request that went well, and quickly: nothing is sent, not what its run does later either', async t => {
  const { begin, end, sent } = setUp()
  const root = begin('root')
  end(begin('child', root))
  end(root, 999)
  end(begin('late', root))
  t.same(sent(), [])
})

const telling: Record<string, (root: Span) => number> = {
  'one that failed': root => (root.setStatus({ code: SpanStatusCode.ERROR }), 1),
  'one that was degraded': root => (root.setAttribute('askwell.degraded', ['generation']), 1),
  'one that was slow': () => 1000,
}
for (const [which, mark] of Object.entries(telling)) {
  t.test(`${which}: sent whole, as sampled, with what its run does later`, async t => {
    const { exporter, begin, end, sent } = setUp()
    const root = begin('root')
    end(begin('child', root))
    t.same(sent(), [], 'nothing before its end')
    end(root, mark(root))
    end(begin('late', root))
    t.same(sent(), ['child', 'root', 'late'])
    for (const span of exporter.getFinishedSpans()) t.equal(span.spanContext().traceFlags, TraceFlags.SAMPLED)
    t.equal(root.spanContext().traceFlags, TraceFlags.NONE, 'what others were told stays')
  })
}

t.test('an answer with nothing degraded is not degraded', async t => {
  const { begin, end, sent } = setUp()
  const root = begin('root')
  root.setAttribute('askwell.degraded', [])
  end(root)
  t.same(sent(), [])
})

t.test('what was drawn goes its way at once', async t => {
  const { begin, end, sent } = setUp(new tracing.AlwaysOnSampler())
  const root = begin('root')
  end(begin('child', root))
  t.same(sent(), ['child'])
  end(root)
  t.same(sent(), ['child', 'root'])
})

t.test('bounded: past 1,000 traces the oldest is forgotten, past 500 spans of one the rest', async t => {
  const { begin, end, sent } = setUp()
  const oldest = begin('oldest')
  end(begin('child of the oldest', oldest))
  const others = Array.from({ length: 1000 }, () => begin('other'))
  for (const other of others) end(begin('child', other))
  end(oldest, 5000)
  t.same(sent(), ['oldest'])
  const root = begin('many')
  for (let i = 0; i < 600; i++) end(begin('one of many', root))
  end(root, 5000)
  t.equal(sent().filter(name => name === 'one of many').length, 500)
  t.equal(sent().at(-1), 'many', 'but never the request itself')
})
