import { execFileSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { createKeeper } from '../cache/keeper.ts'
import { compare, figureOf, isFailure, readBaseline, writeBaseline } from './compare.ts'
import { help, readOptions, type Options } from './options.ts'
import { createProgress } from './progress.ts'
import { chosen, scenarios, secondsOf } from './scenarios.ts'
import { printComparison, printOutcome, printClaims } from './table.ts'
import type { Outcome, World } from './terms.ts'
import type { Report } from './report.ts'
import { summaryOf } from './summary.ts'
import { htmlOf } from './html.ts'
import { openWorld } from './world.ts'

const preparingSeconds = { true: 8, false: 30 }

/** See --help in options.ts. */
async function main(): Promise<number> {
  const options = optionsOrNull()
  if (options === null) return 2
  if (options.help) return console.log(help) ?? 0
  const names = chosen(options)
  // Read before anything is measured: a faulty one is told at once.
  const baseline = options.baseline !== undefined && !options.writeBaseline ? readBaseline(options.baseline) : null
  const { outcomes, failed } = await measure(options, names)
  const figures = Object.values(outcomes).flatMap(outcome => outcome.figures ?? [])
  const compared = baseline === null ? null : compare(baseline, figures, Object.keys(outcomes), options.maxLoss)
  const report = reportOf(options, { outcomes, failed, compared })
  tell(options, report)
  if (options.writeBaseline)
    writeBaseline(
      options.baseline!,
      {
        commit: report.commit,
        date: report.date,
        figures: Object.fromEntries(figures.map(figure => [figure.name, figureOf(figure)])),
      },
      Object.keys(outcomes),
    )
  return Object.keys(failed).length > 0 || compared?.some(isFailure) ? 1 : 0
}

function optionsOrNull(): Options | null {
  try {
    const options = readOptions(process.argv.slice(2))
    chosen(options)
    return options
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${help}`)
    return null
  }
}

async function measure(options: Options, names: readonly string[]): Promise<Pick<Report, 'outcomes' | 'failed'>> {
  const planned = Object.fromEntries(
    names.map(name => [
      name,
      secondsOf(scenarios[name]!, options.quick) ?? scenarios[name]!.fullSeconds ?? options.soakSeconds,
    ]),
  )
  const progress = createProgress({ preparing: preparingSeconds[`${options.quick}`], ...planned })
  const outcomes: Record<string, Outcome> = {}
  const failed: Record<string, string> = {}
  const t = createKeeper()
  try {
    progress.start(
      'preparing',
      `${options.embedded ? 'the embedded database' : 'Postgres'}, the model server and a corpus`,
    )
    const world = await openWorld(t, {
      isQuick: options.quick,
      isEmbedded: options.embedded,
      soakSeconds: options.soakSeconds,
      sizes: options.sizes,
    })
    progress.end('preparing')
    for (const name of names) {
      progress.start(name, scenarios[name]!.about)
      try {
        outcomes[name] = await alone(name, world)
      } catch (error) {
        // What the others have to say is not lost with it.
        failed[name] = (error as Error).message
        progress.say(`${name} failed: ${(error as Error).stack}`)
      }
      progress.end(name)
    }
  } finally {
    await t.end()
  }
  progress.say(`measured in ${Math.round(progress.elapsedSeconds())} s`)
  return { outcomes, failed }
}

/** With a keeper of its own: nothing of one scenario runs beside the next. */
async function alone(name: string, world: World): Promise<Outcome> {
  const own = createKeeper()
  const started = performance.now()
  try {
    const outcome = await scenarios[name]!.run(world, own)
    printOutcome(name, outcome, (performance.now() - started) / 1000)
    // Bars are for full measurements: a second is not enough for a process to be at its best.
    return world.isQuick ? { ...outcome, claims: [] } : outcome
  } finally {
    await own.end()
  }
}

function reportOf(options: Options, found: Pick<Report, 'outcomes' | 'failed' | 'compared'>): Report {
  return {
    date: new Date().toISOString(),
    commit: commitOf(),
    command: ['npm run bench --', ...process.argv.slice(2)].join(' '),
    node: process.version,
    machine: { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, memoryGb: Math.round(totalmem() / 2 ** 30) },
    options: { quick: options.quick, embedded: options.embedded, maxLoss: options.maxLoss },
    ...found,
  }
}

function commitOf(): string {
  try {
    const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8', stdio: 'pipe' }).trim()
    return (
      git('rev-parse', '--short', 'HEAD') +
      (git('status', '--porcelain', '--untracked-files=no') === '' ? '' : ', changed')
    )
  } catch {
    return 'unknown'
  }
}

function tell({ json, html, summary }: Options, report: Report): void {
  printClaims(report)
  if (report.compared !== null) printComparison(report.compared)
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`)
  if (html !== undefined) writeFileSync(html, htmlOf(report))
  if (summary !== undefined) writeFileSync(summary, summaryOf(report))
  for (const file of [json, html, summary])
    if (file !== undefined && existsSync(file)) console.error(`written: ${file}`)
}

// A scenario that failed may have left a connection open.
process.exit(await main())
