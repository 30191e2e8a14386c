import { Command, CommanderError, Option } from 'commander'
import { settings } from './config/settings.ts'
import { codeOf } from './adapters/postgres/errors.ts'
import { isAskError } from './errors.ts'
import { addAsk } from './commands/ask.ts'
import { addCache } from './commands/cache.ts'
import { addChunking } from './commands/chunking.ts'
import { addDemo } from './commands/demo.ts'
import { addEval } from './commands/eval.ts'
import { addIngest } from './commands/ingest.ts'
import { addKey } from './commands/key.ts'
import { addMigrate } from './commands/migrate.ts'
import { addModels } from './commands/models.ts'
import { addReembed } from './commands/reembed.ts'
import { addReindex } from './commands/reindex.ts'
import { addServe } from './commands/serve.ts'
import { addTune } from './commands/tune.ts'
import { exitCodes } from './commands/exit-codes.ts'
import type { Host } from './commands/host.ts'
import { say } from './commands/output.ts'
import { printable, printableLines } from './text/printable.ts'
import { version } from './version.ts'
import { ConfigError } from './config/terms.ts'

/** Runs a command line, without the program's name, and sets the exit code of the host. */
export async function runCommandLine(args: readonly string[], host: Host): Promise<void> {
  try {
    await program(args, host).parseAsync(args, { from: 'user' })
  } catch (error) {
    host.exitCode = reportError(host, error)
  }
}

function program(args: readonly string[], host: Host): Command {
  const askwell = new Command('askwell')
    .description('Answers questions from your documents, with citations.')
    .version(version)
    .addOption(new Option('--json', 'machine-readable output').default(false))
    .addHelpText('after', () => `\nSettings come from the environment:\n${settingsHelp()}`)
    .exitOverride()
    .configureOutput({
      writeOut: text => void host.stdout.write(text),
      writeErr: text => void host.stderr.write(text),
      outputError: text => void host.stderr.write(printableLines(withArgumentsShown(text, args))),
      getOutHelpWidth: () => host.stdout.columns ?? 80,
      getErrHelpWidth: () => host.stderr.columns ?? 80,
    })
    .configureHelp({ showGlobalOptions: true })
  for (const add of [
    addServe,
    addAsk,
    addIngest,
    addMigrate,
    addReembed,
    addReindex,
    addTune,
    addCache,
    addChunking,
    addEval,
    addKey,
    addModels,
    addDemo,
  ])
    add(askwell, host)
  return askwell
}

/** Escapes the arguments that Commander repeats in its errors, such as file names that a shell expanded. */
function withArgumentsShown(text: string, args: readonly string[]): string {
  return args.reduce((shown, argument) => shown.replaceAll(argument, printable(argument)), text)
}

function settingsHelp(): string {
  const width = Math.max(...Object.values(settings).map(each => each.name.length))
  return Object.values(settings)
    .map(
      each =>
        `  ${each.name.padEnd(width)}  ${each.about.replaceAll('`', '')}${each.default === undefined ? '' : ` [${each.default}]`}`,
    )
    .join('\n')
}

/** Reports an error in one line on stderr and returns the exit code. */
function reportError(host: Host, error: unknown): number {
  // Ctrl-C was reported when it arrived; the errors that it causes are no news.
  if (host.exitCode === exitCodes.interrupted) return exitCodes.interrupted
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
  if (error instanceof ConfigError) return sayAndReturn(host, error.message, exitCodes.settings)
  if (isAskError(error))
    return sayAndReturn(
      host,
      printable(`askwell: ${error.detail.replace(/\.$/, '')}${reasonOf(error.cause)}`),
      isAskError(error, 'invalid_request') ? exitCodes.usage : exitCodes.failed,
    )
  const message = error instanceof Error ? error.message || (codeOf(error) ?? error.name) : String(error)
  return sayAndReturn(
    host,
    `askwell: ${message}${isLoginRejected(error) ? '; check DATABASE_URL' : ''}`,
    exitCodes.failed,
  )
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return ''
  // A name with several addresses fails with several errors and no message.
  const reason = cause.message || codeOf(cause)
  return reason ? ` (${reason})` : ''
}

/** SQLSTATEs of a server that rejects our login: wrong user or password (28…), or wrong database (3D…). */
function isLoginRejected(error: unknown): boolean {
  return /^(28|3D)/.test(codeOf(error) ?? '')
}

function sayAndReturn(host: Host, message: string, code: number): number {
  say(host, message)
  return code
}
