import type { Command } from 'commander'
import { rowFault } from '../adapters/postgres/errors.ts'
import { readConfig } from '../config/config.ts'
import { load, type LoadReport } from '../ingest/load.ts'
import { embedEach } from '../ingest/embed-each.ts'
import { bytesOf } from '../ingest/find-files.ts'
import { namedModel } from '../ingest/named-model.ts'
import { createLogger } from '../log.ts'
import type { RunningServer } from '../server.ts'
import { printableLines } from '../text/printable.ts'
import { calibrate } from '../wiring/calibrate.ts'
import { demoFiles } from './demo-corpus.ts'
import { faultLine } from './fault-lines.ts'
import { interruptible } from './interrupt.ts'
import { createProgress } from './progress.ts'
import type { Config } from '../config/terms.ts'
import type { Deps } from '../deps.ts'

export function addDemo(program: Command): void {
  program
    .command('demo')
    .description('start the service with sample documents: manuals of its own packages')
    .action(async () => {
      const config = readConfig(undefined, demoDefaults)
      const log = createLogger(config)
      const [{ startServer }, { stopOnSignals }] = await Promise.all([import('../server.ts'), import('../signals.ts')])
      say('Starting Askwell on the embedded database …')
      const server = await startServer(config, log)
      const report = await loadDemo(server, config).catch(async (error: unknown) => {
        await server.stop()
        throw error
      })
      stopOnSignals(server, log)
      say(welcome(server, report, config))
      await server.stopped
      say('Stopped.')
    })
}

const collection = 'default'

/** A separate folder, vectors that need no key, and a quiet log. Environment variables take precedence. */
const demoDefaults = { DATA_DIR: '.askwell/demo', EMBEDDING_MODEL: 'local', LOG_LEVEL: 'warn' }

async function loadDemo({ deps }: RunningServer, config: Config): Promise<LoadReport> {
  const { embedder } = deps.models
  const manuals = await demoFiles()
  const progress = createProgress(process, bytesOf(manuals.flatMap(manual => manual.found)))
  const interrupt = interruptible(process, 'stopping; the next start resumes loading here')
  const report = await load(
    async function* (sort) {
      for (const { found, options } of manuals)
        yield* deps.preparing.files(embedder, found, {
          ...options,
          sort,
          signal: interrupt.signal,
          onBytes: progress.bytes,
        })
    },
    {
      store: deps.store,
      embed: embedEach(embedder, progress.loading),
      rowFault,
      model: namedModel(embedder),
      unitsUpTo: embedder.unitsUpTo,
    },
    {
      collection,
      // Nobody waits for the vectors: the first questions are answered by words.
      wordsAfterMs: 0,
      pruneRoots: null,
      signal: interrupt.signal,
      onProgress: progress.report,
      onFault: fault => progress.line(faultLine(fault)),
    },
  ).finally(progress.end)
  if (config.calibration) await calibrateDemo(deps, interrupt.signal)
  await deps.onWritten(collection)
  if (report.chunksWithoutVectors > 0) deps.fillVectors(collection)
  // From here on the server handles Ctrl-C.
  interrupt.release()
  return report
}

/**
 * Measures the manuals before the welcome: the service would begin ten seconds later, and the first questions
 * would be judged as if nothing were known of them.
 */
async function calibrateDemo(deps: Deps, signal: AbortSignal): Promise<void> {
  try {
    await calibrate(collection, { ...deps, embedder: deps.models.embedder }, { signal })
  } catch (error) {
    // Otherwise the service tries again in the background, and logs why it fails.
    if (signal.aborted) throw error
  }
}

function welcome({ address }: RunningServer, report: LoadReport, config: Config): string {
  const loaded =
    report.chunks > 0
      ? `Loaded ${report.documents} documents in ${report.chunks} chunks.`
      : `${report.documents} documents are already loaded.`
  const vectors =
    report.chunksWithoutVectors > 0
      ? '\nThey are found by their words now; their vectors follow in a minute or two, for questions in other words.'
      : ''
  return `${loaded}${vectors}
Askwell answers on ${address} (${config.models.chat === null ? 'quoting sentences; set OPENAI_API_KEY for written answers' : `with ${config.models.chat}`}).

  curl -s ${address}/ask -H 'content-type: application/json' -d '{"question": "How do I redirect a client to another URL in Fastify?"}'

API reference: ${address}/docs    Monitoring: ${address}/monitoring    Stop with Ctrl-C.`
}

function say(text: string): void {
  process.stdout.write(`${printableLines(text)}\n`)
}
