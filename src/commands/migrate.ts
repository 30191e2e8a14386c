import type { Command } from 'commander'
import { readConfig } from '../config/config.ts'
import { migrate, type Migrated } from '../adapters/postgres/migrate.ts'
import type { Host } from './host.ts'
import { withDatabase } from './opened.ts'
import { print, say } from './output.ts'

export function addMigrate(program: Command, host: Host): void {
  program
    .command('migrate')
    .description('bring the database schema up to date')
    .action(async (_, command: Command) => {
      const { signal } = new AbortController()
      const migrated = await withDatabase(readConfig(host.env).database, database =>
        database.lease({ signal, label: 'migrate' }, sql =>
          migrate(sql, { onWait: () => say(host, 'another process is migrating the database; waiting for it') }),
        ),
      )
      print(host, command, migrated, textOf(migrated))
    })
}

function textOf({ applied, current, newer }: Migrated): string {
  if (newer.length > 0)
    return `nothing to do: the schema is at ${current}, from a newer version (${newer.join(', ')}) that this one can run on`
  return applied.length > 0 ? `applied ${applied.join(', ')}` : `nothing to do: the schema is at ${current}`
}
