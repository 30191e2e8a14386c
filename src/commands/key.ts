import { Option, type Command } from 'commander'
import { hash, randomBytes } from 'node:crypto'
import { priorities, readApiKeys, scopes, type Scope } from '../config/api-keys.ts'
import type { Priority } from '../priority.ts'
import { collectionName } from './arguments.ts'
import { print } from './output.ts'

interface NewKey {
  readonly name: string
  readonly scope: readonly Scope[]
  readonly collection?: readonly string[]
  readonly rateLimit?: number
  readonly tenant?: string
  readonly priority?: Priority
}

export function addKey(program: Command): void {
  program
    .command('key')
    .description('make keys for callers')
    .command('new')
    .description('print a new key, and what to add to API_KEYS; nothing is stored')
    .requiredOption('--name <name>', 'shown in the log')
    .addOption(new Option('--scope <scope...>', 'what it may do').choices(scopes).default(['ask']))
    .option(
      '--collection <name>',
      'the only collection it may ask about; can be given more than once',
      (text: string, before: string[] = []) => [...before, collectionName(text)],
    )
    .option('--rate-limit <number>', 'requests in RATE_LIMIT_SECONDS, counted for this key', Number)
    .option('--tenant <tenant>', 'whose questions these are; no other tenant gets their cached answers')
    .addOption(new Option('--priority <priority>', 'what its questions are unless they say so').choices(priorities))
    .action((options: NewKey, command: Command) => {
      const key = `askwell_${randomBytes(32).toString('base64url')}`
      const entry = entryOf(key, options, command)
      print(
        command,
        { key, entry },
        `${key}\n\nGive that to the caller; it is not shown again. Add this to the list in API_KEYS or API_KEYS_FILE:\n\n${JSON.stringify(entry)}`,
      )
    })
}

/** As the service reads it, and held against what it takes. */
function entryOf(key: string, { name, scope, collection, rateLimit, tenant, priority }: NewKey, command: Command) {
  const entry = {
    name,
    sha256: hash('sha256', key, 'hex'),
    scopes: scope,
    ...(collection && { collections: collection }),
    ...(rateLimit === undefined ? {} : { rate_limit: rateLimit }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(priority === undefined ? {} : { priority }),
  }
  const faults: string[] = []
  readApiKeys({ inline: JSON.stringify([entry]), file: undefined }, faults)
  if (faults.length > 0) command.error(faults.map(fault => fault.replace('API_KEYS[0].', '')).join('\n'))
  return entry
}
