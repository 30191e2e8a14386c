#!/usr/bin/env node
import { Command, CommanderError, Option } from 'commander'
import { ConfigError, settings } from './config.ts'
import { isAskError } from './errors.ts'
import { addDemo } from './commands/demo.ts'
import { addIngest } from './commands/ingest.ts'
import { addMigrate } from './commands/migrate.ts'
import { addReembed } from './commands/reembed.ts'
import { addServe } from './commands/serve.ts'
import { exitCodes } from './commands/exit-codes.ts'
import { version } from './version.ts'

function program(): Command {
  const askwell = new Command('askwell')
    .description('Answers questions from your documents, with citations.')
    .version(version)
    .addOption(new Option('--json', 'machine-readable output').default(false))
    .addHelpText('after', () => `\nSettings come from the environment:\n${settingsHelp()}`)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
  for (const add of [addServe, addIngest, addMigrate, addReembed, addDemo]) add(askwell)
  return askwell
}

function settingsHelp(): string {
  const width = Math.max(...Object.values(settings).map(each => each.name.length))
  return Object.values(settings)
    .map(each => `  ${each.name.padEnd(width)}  ${each.about.replaceAll('`', '')}${each.default === undefined ? '' : ` [${each.default}]`}`)
    .join('\n')
}

/** Says what went wrong in one line that helps; a stack only for what nobody foresaw, and only when asked for. */
function complain(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
  if (error instanceof ConfigError) return say(error.message, exitCodes.settings)
  if (isAskError(error)) return say(`askwell: ${error.detail}${reasonOf(error.cause)}`, exitCodes.failed)
  if (process.exitCode === exitCodes.interrupted) return exitCodes.interrupted
  const message = error instanceof Error ? error.message : String(error)
  return say(`askwell: ${message}`, exitCodes.failed)
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error && cause.message !== '' ? ` (${cause.message})` : ''
}

function say(message: string, code: number): number {
  process.stderr.write(`${message}\n`)
  return code
}

try {
  await program().parseAsync()
} catch (error) {
  process.exitCode = complain(error)
}
