import type { CollectedSpan } from './otlp.ts'

/**
 * The spans of a trace as lines. Children are indented below their parent and sorted by name; a failed span has `!` and
 * its error. A span with a parent in another process is not indented.
 */
export function treeOf(spans: readonly CollectedSpan[]): string[] {
  const ids = new Set(spans.map(({ spanId }) => spanId))
  const childrenOf = (parent: string) => spans.filter(({ parentSpanId }) => parentSpanId === parent).sort(byName)
  const lines = (span: CollectedSpan, depth: number): string[] => [
    `${'  '.repeat(depth)}${span.name}${span.error === undefined ? '' : ` !${span.error}`}`,
    ...childrenOf(span.spanId).flatMap(child => lines(child, depth + 1)),
  ]
  return spans
    .filter(({ parentSpanId }) => !ids.has(parentSpanId))
    .sort(byName)
    .flatMap(root => lines(root, 0))
}

function byName(a: CollectedSpan, b: CollectedSpan): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : a.startMs - b.startMs
}

/**
 * Removes the collection lookup and its children, because a request only looks up the collection if no other request
 * has just done so.
 */
export function withoutLook(spans: readonly CollectedSpan[]): CollectedSpan[] {
  const root = spans.find(({ kind }) => kind === 'server')
  const look = spans.filter(
    ({ name, parentSpanId }) => parentSpanId === root?.spanId && (name === 'ask.remember' || name === 'GET'),
  )
  return spans.filter(span => !look.includes(span) && !look.some(({ spanId }) => spanId === span.parentSpanId))
}
