import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { postgresPrograms } from '../../test/support/postgres-programs.ts'
import type { Statement } from './statements.ts'

const execute = promisify(execFile)

/** As many script files as pgbench takes. */
export const mostScripts = 128

export interface Load {
  readonly clients: number
  readonly seconds: number
  /** Server settings of the connections, as the product's have them. */
  readonly settings?: Readonly<Record<string, string>>
}

export interface Done {
  /** Milliseconds of each query that counts. */
  readonly latencies: readonly number[]
  /** Queries in all, with those before the counting. */
  readonly queries: number
}

/**
 * Runs the statements, one picked at random after the other, as prepared statements with parameters: as the product's
 * driver does, the server parses each text once a connection and reads the values (a vector of 512 numbers among them)
 * every time, and plans by the same rule. pgbench has no list of values to pick from, so each question is a script of
 * its own, read and planned on every connection where the product's one text for all questions is so once: this counts
 * a little against the longer statement.
 */
export async function pgbench(
  url: string,
  statements: readonly Statement[],
  { clients, seconds, settings = {} }: Load,
): Promise<Done> {
  const folder = mkdtempSync(join(tmpdir(), 'askwell-bench-pgbench-'))
  try {
    const scripts = statements.slice(0, mostScripts).flatMap((statement, number) => scriptOf(folder, statement, number))
    const load = ['-c', String(clients), '-j', String(Math.min(2, clients)), '-T', String(seconds)]
    const args = ['-n', '-M', 'prepared', ...load, '--log', `--log-prefix=${join(folder, 'log')}`, ...scripts, url]
    const env = {
      ...process.env,
      PGOPTIONS: Object.entries(settings)
        .map(([name, value]) => `-c ${name}=${value}`)
        .join(' '),
    }
    await execute(join(binaries(), 'pgbench'), args, { env, timeout: (seconds + 60) * 1000, maxBuffer: 1e8 }).catch(
      shortly,
    )
    const latencies = latenciesIn(folder)
    return { latencies, queries: latencies.length }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** initdb may be called through a link, and pgbench have none. */
function binaries(): string {
  const folder = postgresPrograms()
  if (folder === undefined) throw new Error('no Postgres on this machine')
  return dirname(realpathSync(join(folder, 'initdb')))
}

/** Without the command line, which is half a megabyte of vectors. */
function shortly({ code, stderr }: { code?: string | number; stderr?: string }): never {
  throw new Error(`pgbench failed (${code}): ${stderr?.slice(0, 2000)}`)
}

/** The arguments that name a statement's script and the values of its variables. */
function scriptOf(folder: string, { text, parameters }: Statement, number: number): string[] {
  const file = join(folder, `${number}.sql`)
  writeFileSync(file, `${text.replace(/\$(\d+)/g, (_, place: string) => `:q${number}_${place}`)};\n`)
  return ['-f', file, ...parameters.flatMap((value, i) => ['-D', `q${number}_${i + 1}=${value}`])]
}

/** Milliseconds of every transaction; a log line's third number is microseconds. */
function latenciesIn(folder: string): number[] {
  const logs = readdirSync(folder).filter(name => name.startsWith('log.'))
  return logs.flatMap(name =>
    readFileSync(join(folder, name), 'utf8')
      .trim()
      .split('\n')
      .map(line => Number(line.split(' ')[2]) / 1000),
  )
}
