import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { copyOf, databaseSettings, startApp, type App, type World } from './app.ts'
import { loadHandbook } from './corpus.ts'
import { createDatabase } from './database.ts'
import { settingsFor } from './model-settings.ts'
import { startModel } from './model.ts'
import { administer, sharedPostgres, templateName, urlOf } from './postgres.ts'
import { oncePerRun } from './run.ts'
import type { Owner } from './server-process.ts'
import { until } from './until.ts'

/**
 * Starts the service on a copy of a database that contains the handbook in the collection `default`. Loading it costs a
 * second of processor time, because each service starts a process that prepares documents; therefore a run loads it
 * once. For tests in which nothing about the loading matters. A database in the settings is empty, and is loaded.
 */
export async function startHandbookApp(t: Owner, world: World, settings: Record<string, string> = {}): Promise<App> {
  if ('DATABASE_URL' in settings) return await startAndLoad(t, world, settings)
  const app = await startApp(t, world, { ...(await handbookSettings(t, world, embeddingIn(settings))), ...settings })
  // On a busy machine the first query of a database takes longer than a question may wait for it.
  await until('the database answers', () => app.deps.store.collection('default').catch(() => null))
  return app
}

async function startAndLoad(t: Owner, world: World, settings: Record<string, string>): Promise<App> {
  const app = await startApp(t, world, settings)
  await loadHandbook(app)
  return app
}

/** The embedding models that a handbook is loaded with. */
type Embedding = 'local' | 'test-embedding'

function embeddingIn({ EMBEDDING_MODEL: name = 'local', EMBEDDING_DIMENSIONS: dimensions }: Record<string, string>) {
  if ((name !== 'local' && name !== 'test-embedding') || dimensions !== undefined)
    throw new Error(`the handbook is not loaded with vectors of ${name}; start the service and load it`)
  return name
}

/** Settings for a database with the handbook that only this test uses. */
export async function handbookSettings(
  t: Owner,
  world: World,
  embedding: Embedding = 'local',
): Promise<Record<string, string>> {
  const template = await oncePerRun(`handbook-${world}-${embedding}`, folder => makeTemplate(folder, world, embedding))
  if (world === 'embedded') return { DATA_DIR: copyOf(t, template) }
  return { DATABASE_URL: (await createDatabase(t, template)).url }
}

/** Returns the name of the database, or the folder of the embedded one. */
async function makeTemplate(folder: string, world: World, embedding: Embedding): Promise<string> {
  const { owner, end } = createOwner()
  try {
    const { template, settings } = await emptyTemplate(owner, { folder, world, embedding })
    const model = await startModel(owner)
    await startAndLoad(owner, world, { ...settings, ...settingsFor(model, embedding) })
    return template
  } finally {
    await end()
  }
}

interface TemplateOptions {
  readonly folder: string
  readonly world: World
  readonly embedding: Embedding
}

async function emptyTemplate(owner: Owner, { folder, world, embedding }: TemplateOptions) {
  if (world === 'embedded') {
    const template = join(folder, 'data')
    const { DATA_DIR = '' } = await databaseSettings(owner, world)
    cpSync(DATA_DIR, template, { recursive: true })
    return { template, settings: { DATA_DIR: template } }
  }
  const { port } = await sharedPostgres()
  const template = `askwell_handbook_${embedding.replace('-', '_')}`
  await administer(urlOf(port, 'postgres'), sql => sql`create database ${sql(template)} template ${sql(templateName)}`)
  return { template, settings: { DATABASE_URL: urlOf(port, template) } }
}

/** An owner whose work ends before this process does. */
function createOwner() {
  const teardowns: (() => unknown)[] = []
  return {
    owner: { teardown: (work: () => unknown) => teardowns.push(work), passing: () => true } satisfies Owner,
    async end() {
      for (const work of teardowns.toReversed()) await work()
    },
  }
}
