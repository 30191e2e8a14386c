import { Option, type Command } from 'commander'
import { hash, randomBytes } from 'node:crypto'
import { priorities, readApiKeys, scopes, type Scope } from '../config/api-keys.ts'
import type { Priority } from '../priority.ts'
import { collectionName } from './arguments.ts'
import type { Host } from './host.ts'
import { print } from './output.ts'

interface NewKey {
  readonly name: string
  readonly scope: readonly Scope[]
  readonly collection?: readonly string[]
  readonly rateLimit?: number
  readonly tenant?: string
  readonly priority?: Priority
  readonly budget?: unknown
}

export function addKey(program: Command, host: Host): void {
  program
    .command('key')
    .description('create API keys')
    .command('new')
    .description('print a new key and its entry for API_KEYS; nothing is stored')
    .requiredOption('--name <name>', 'name of the caller, shown in the log')
    .addOption(new Option('--scope <scope...>', 'what the key may do').choices(scopes).default(['ask']))
    .option(
      '--collection <name>',
      'collection that the key is limited to; may be repeated',
      (text: string, before: string[] | undefined) => [...(before ?? []), collectionName(text)],
    )
    .option(
      '--rate-limit <number>',
      'maximum requests of this key per RATE_LIMIT_SECONDS, instead of KEY_RATE_LIMIT',
      Number,
    )
    .option('--tenant <tenant>', 'tenant of the key; tenants do not share cached answers')
    .addOption(
      new Option('--priority <priority>', 'priority of its questions unless a request sets one').choices(priorities),
    )
    .option(
      '--budget <json>',
      'daily budget of its questions, as in the key file: \'{"tokens_per_day":200000}\', \'{"cost_per_day":1.5}\', or both',
      budgetFrom,
    )
    .action((options: NewKey, command: Command) => {
      const key = `askwell_${randomBytes(32).toString('base64url')}`
      const entry = entryOf(key, options, command)
      print(
        host,
        command,
        { key, entry },
        `${key}\n\nGive this key to the caller; it is not shown again. Add this entry to the list in API_KEYS or API_KEYS_FILE:\n\n${JSON.stringify(entry)}`,
      )
    })
}

/** The entry as the service reads it, validated by the service's own rules. */
function entryOf(key: string, options: NewKey, command: Command) {
  const { name, scope, collection, rateLimit, tenant, priority, budget } = options
  const entry = {
    name,
    sha256: hash('sha256', key, 'hex'),
    scopes: scope,
    ...(collection && { collections: collection }),
    ...(rateLimit === undefined ? {} : { rate_limit: rateLimit }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(priority === undefined ? {} : { priority }),
    ...(budget === undefined ? {} : { budget }),
  }
  const faults: string[] = []
  // Prices are settings of the service, which need not be set here.
  readApiKeys({ inline: JSON.stringify([entry]), file: undefined, hasPrices: true }, faults)
  if (faults.length > 0) command.error(faults.map(fault => fault.replace('API_KEYS[0].', '')).join('\n'))
  return entry
}

/** Anything that is not JSON is left to the rules of the key file, which say what is allowed. */
function budgetFrom(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
