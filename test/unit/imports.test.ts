import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import tap from 'tap'
import { scanImports } from '../support/import-scan.ts'

/**
 * The arrows of the design, asserted: server → wiring, app → http → ask → (ports that ask declares) ← adapters → drivers.
 * A row says what the files of a folder may import, and what only as `import type`; `*` is everything. The first row that
 * fits counts. A file may always import what lies in its own row. The domain (ask, ingest, eval, text, resilience) imports
 * no adapter, not even a type.
 */
const rows: readonly Row[] = [
  { files: ['output.ts'], may: [] },
  { files: ['errors.ts', 'version.ts', 'priority.ts', 'faults.ts'], may: [] },
  { files: ['events.ts'], may: [], types: ['ask/terms/', 'errors.ts', 'faults.ts', 'priority.ts', 'resilience/'] },
  { files: ['log-events.ts'], may: [], types: ['events.ts', 'resilience/'] },
  { files: ['signals.ts'], may: ['config/config.ts', 'errors.ts'] },
  {
    files: ['cluster/'],
    may: ['resilience/', 'signals.ts', 'output.ts', 'config/config.ts', 'adapters/postgres/lease-holder.ts'],
    types: ['ask/cache/'],
  },
  { files: ['text/'], may: [] },
  { files: ['vectors/'], may: [] },
  { files: ['resilience/'], may: ['errors.ts'], types: ['priority.ts'] },
  { files: ['ask/terms/'], may: [], types: ['priority.ts', 'ask/calibration/terms.ts'] },
  { files: ['ask/calibration/terms.ts'], may: [] },
  { files: ['ingest/terms.ts'], may: [], types: ['ask/terms/', 'ask/calibration/terms.ts'] },
  {
    files: ['ask/'],
    may: ['text/', 'vectors/', 'resilience/', 'tracing/', 'errors.ts', 'events.ts'],
    types: ['priority.ts'],
  },
  { files: ['ingest/'], may: ['text/', 'vectors/', 'resilience/', 'errors.ts'], types: ['ask/retrieval/embedder.ts'] },
  { files: ['eval/'], may: ['ask/', 'ingest/', 'text/', 'vectors/'] },
  { files: ['config/'], may: [], types: ['priority.ts'] },
  { files: ['tracing/'], may: ['errors.ts', 'config/kinds.ts'], types: ['config/terms.ts'] },
  {
    files: ['log.ts'],
    may: [
      'output.ts',
      'text/printable.ts',
      'config/database-url.ts',
      'config/redis-url.ts',
      'config/request-headers.ts',
    ],
    types: ['config/terms.ts'],
  },
  {
    files: ['adapters/'],
    may: [
      'text/',
      'resilience/',
      'tracing/',
      'errors.ts',
      'events.ts',
      'faults.ts',
      'config/database-url.ts',
      'config/loopback.ts',
      'config/redis-url.ts',
      'config/request-headers.ts',
      'config/text-file.ts',
    ],
    types: ['ask/', 'ingest/terms.ts', 'eval/recall.ts', 'config/terms.ts'],
  },
  {
    files: ['metrics/'],
    may: [
      'errors.ts',
      'version.ts',
      'faults.ts',
      'output.ts',
      'tracing/delivery.ts',
      'monitoring/findings/findings.ts',
      'cluster/calls.ts',
    ],
    types: ['ask/', 'adapters/', 'events.ts', 'resilience/', 'monitoring/', 'priority.ts'],
  },
  {
    files: ['monitoring/'],
    may: ['errors.ts', 'faults.ts', 'adapters/postgres/store/large-metadata.ts', 'adapters/postgres/store/outdated.ts'],
    types: [
      'ask/',
      'ingest/terms.ts',
      'adapters/',
      'cluster/calls.ts',
      'events.ts',
      'output.ts',
      'resilience/',
      'tracing/delivery.ts',
      'config/terms.ts',
    ],
  },
  {
    files: ['http/'],
    may: [
      'tracing/',
      'resilience/window-counter.ts',
      'monitoring/merged/',
      'monitoring/findings/findings.ts',
      'errors.ts',
      'config/loopback.ts',
      'ask/unknown-collection.ts',
      'ask/workflow.ts',
      'ingest/source-name.ts',
    ],
    types: ['ask/', 'events.ts', 'monitoring/', 'config/', 'priority.ts'],
  },
  {
    files: ['app.ts'],
    may: ['http/', 'errors.ts', 'events.ts', 'version.ts', 'config/access.ts'],
    types: ['config/', 'deps.ts', 'wiring/service.ts'],
  },
  {
    files: ['wiring/', 'deps.ts'],
    may: ['*'],
    never: ['http/', 'app.ts', 'server.ts', 'commands/', 'cli.ts', 'program.ts'],
  },
  { files: ['server.ts'], may: ['*'], never: ['commands/', 'cli.ts', 'program.ts'] },
  { files: ['commands/'], may: ['*'], never: ['cli.ts', 'program.ts'] },
  { files: ['cli.ts', 'program.ts'], may: ['*'] },
]

interface Row {
  readonly files: readonly string[]
  readonly may: readonly string[]
  readonly types?: readonly string[]
  readonly never?: readonly string[]
}

const drivers = /^(postgres|ioredis|openai|@electric-sql\/.+|@energetic-ai\/.+|@huggingface\/.+)(\/|$)/

interface Source {
  /** Below src/, as `ask/terms/run.ts`. */
  readonly file: string
  readonly text: string
}

function faultsOf({ file, text }: Source): string[] {
  const row = rows.find(({ files }) => fits(file, files))
  if (row === undefined) return [`${file}: stands in no row of this test; say what it may import`]
  const { imports, computed, environment } = scanImports(text)
  return [
    ...imports
      .filter(({ specifier, isType }) => !isAllowed(row, file, specifier, isType))
      .map(
        ({ specifier, isType, line }) =>
          `${file}:${line}: may not import ${isType ? 'even the type of ' : ''}${specifier}`,
      ),
    ...computed.map(line => `${file}:${line}: imports something that cannot be told`),
    ...environment
      .filter(() => file !== 'config/config.ts')
      .map(line => `${file}:${line}: reads the environment; only config/config.ts may`),
  ]
}

function isAllowed(row: Row, file: string, specifier: string, isType: boolean): boolean {
  if (!specifier.startsWith('.')) return !drivers.test(specifier) || file.startsWith('adapters/')
  const target = targetOf(file, specifier)
  if (fits(target, row.never ?? [])) return false
  return fits(target, row.files) || fits(target, row.may) || (isType && fits(target, row.types ?? []))
}

function targetOf(file: string, specifier: string): string {
  return join(dirname(file), specifier)
}

function fits(file: string, patterns: readonly string[]): boolean {
  return patterns.some(
    pattern => pattern === '*' || (pattern.endsWith('/') ? file.startsWith(pattern) : file === pattern),
  )
}

/** Each circle once, as `a.ts → b.ts → a.ts`. Types count: two files that need each other's words are one thing. */
function circlesIn(sources: readonly Source[]): string[] {
  const edges = new Map(sources.map(({ file, text }) => [file, targetsOf(file, text)]))
  const done = new Set<string>()
  const circles: string[] = []
  function visit(file: string, path: readonly string[]): void {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' → '))
    if (done.has(file) || path.includes(file)) return
    for (const target of edges.get(file) ?? []) visit(target, [...path, file])
    done.add(file)
  }
  for (const file of edges.keys()) visit(file, [])
  return circles
}

function targetsOf(file: string, text: string): string[] {
  const own = scanImports(text).imports.filter(({ specifier }) => specifier.startsWith('.'))
  return own.map(({ specifier }) => targetOf(file, specifier)).filter(target => target !== file)
}

const root = new URL('../../src/', import.meta.url)

function readSources(): Source[] {
  const files = globSync('**/*', { cwd: root.pathname })
    .filter(path => /\.[cm]?[jt]sx?$/.test(path))
    .sort()
  return files.map(file => ({ file, text: readFileSync(new URL(file, root), 'utf8') }))
}

tap.test('imports of src/: all point one way', async t => {
  const sources = readSources()
  t.ok(sources.length > 10, 'src/ was found')
  t.same(sources.flatMap(faultsOf), [])
})

tap.test('imports of src/: every allowance is used', async t => {
  const edges = readSources().flatMap(edgesOf)
  const unused = rows.flatMap(row => [
    ...unusedOf(
      row.may,
      edges.filter(edge => edge.row === row),
    ),
    ...unusedOf(
      row.types ?? [],
      edges.filter(edge => edge.row === row && edge.isType),
    ),
  ])
  t.same(unused, [])
})

interface Edge {
  readonly row: Row | undefined
  readonly target: string
  readonly isType: boolean
}

/** Own imports of a file that lead out of its row. */
function edgesOf({ file, text }: Source): Edge[] {
  const row = rows.find(({ files }) => fits(file, files))
  const own = scanImports(text).imports.filter(({ specifier }) => specifier.startsWith('.'))
  return own
    .map(({ specifier, isType }) => ({ row, target: targetOf(file, specifier), isType }))
    .filter(({ target }) => !fits(target, row?.files ?? []))
}

function unusedOf(patterns: readonly string[], edges: readonly Edge[]): string[] {
  return patterns.filter(pattern => pattern !== '*' && !edges.some(({ target }) => fits(target, [pattern])))
}

tap.test('imports of src/: no circles', async t => {
  t.same(circlesIn(readSources()), [])
})

tap.test('the rules: each forbidden edge is found', async t => {
  const forbidden: [file: string, text: string][] = [
    ['http/routes/ask.ts', "import type { Lease } from '../../adapters/postgres/pool.ts'"],
    ['http/routes/ask.ts', "import { runPipeline } from '../../ask/pipeline.ts'"],
    ['ask/retrieval/retrieve.ts', "import { search } from '../../adapters/postgres/store/passages.ts'"],
    ['ask/retrieval/retrieve.ts', "import type { Search } from '../../adapters/postgres/store/passages.ts'"],
    ['ingest/load.ts', "import type { Written } from '../adapters/postgres/store/documents.ts'"],
    ['ask/terms/run.ts', "export * from '../../errors.ts'"],
    ['text/stem.ts', "import { AskError } from '../errors.ts'"],
    ['resilience/retry.ts', "import type { Run } from '../ask/terms/run.ts'"],
    ['deps.ts', "const app = await import('./app.ts')"],
    ['ask/retrieval/embed.ts', "import type OpenAI from 'openai'"],
    ['commands/serve.ts', "import { vector } from '@electric-sql/pglite-pgvector'"],
    ['adapters/postgres/pool.ts', 'import(`./${name}.ts`)'],
    ['adapters/local.ts', "new Worker(new URL('../http/ask.ts', import.meta.url))"],
    ['adapters/postgres/pool.ts', 'const size = process.env.POOL_SIZE'],
    ['adapters/postgres/pool.ts', "import { env } from 'node:process'"],
    ['adapters/postgres/pool.ts', "const { env } = await import('process')"],
    ['helpers/string.ts', ''],
  ]
  for (const [file, text] of forbidden) t.equal(faultsOf({ file, text }).length, 1, `${file}: ${text}`)
})

tap.test('the rules: what looks like an import and is none', async t => {
  const text = [
    "// import { search } from '../adapters/passages.ts'",
    '/* process.env */ const quote = /[\'"`]/.test(a) ? b / c : d',
    'const sentence = `import { x } from ${quote ? `y ${"}"}` : "z"}` // `',
    "import type { Deadline } from '../../resilience/deadline.ts'",
    "const culprit = 'process'",
    "import { embed } from './embed.ts'",
  ].join('\n')
  t.same(faultsOf({ file: 'ask/retrieval/retrieve.ts', text }), [])
  t.same(
    scanImports(text).imports.map(({ line }) => line),
    [4, 6],
  )
})

tap.test('the rules: a circle is found', async t => {
  const sources = [
    { file: 'ask/a.ts', text: "import { b } from './b.ts'" },
    { file: 'ask/b.ts', text: "import type { C } from './deeper/c.ts'" },
    { file: 'ask/deeper/c.ts', text: "import '../a.ts'" },
  ]
  t.same(circlesIn(sources), ['ask/a.ts → ask/b.ts → ask/deeper/c.ts → ask/a.ts'])
})
