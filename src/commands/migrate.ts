import type { Command } from 'commander'
import { readConfig } from '../config.ts'
import { migrate } from '../migrate.ts'
import { withDatabase } from './opened.ts'
import { print } from './output.ts'

export function addMigrate(program: Command): void {
  program
    .command('migrate')
    .description('bring the database schema up to date')
    .action(async (_, command: Command) => {
      const { signal } = new AbortController()
      const migrated = await withDatabase(readConfig().database, database => database.lease({ signal, label: 'migrate' }, sql => migrate(sql)))
      const text = migrated.applied.length > 0 ? `applied ${migrated.applied.join(', ')}` : `nothing to do: the schema is at ${migrated.current}`
      print(command, migrated, text)
    })
}
