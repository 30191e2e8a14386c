import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { adminKey } from '../../test/support/app.ts'
import { freePort, type Owner } from '../../test/support/server-process.ts'
import { clientOf } from '../../test/support/service.ts'
import { until } from '../../test/support/until.ts'
import { measuredCore, startProgram, untilServing, type Program } from './program.ts'

/** A server under measurement. */
export interface Served {
  readonly address: string
  readonly program: Program
}

export type Settings = Readonly<Record<string, string>>

const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))
const bare = fileURLToPath(new URL('bare.ts', import.meta.url))
const plain = fileURLToPath(new URL('plain.ts', import.meta.url))

/** `askwell serve` with its log at `info` in a file. `flags` are for Node. */
export async function serveAskwell(
  t: Owner,
  settings: Settings,
  { cores = measuredCore, flags = [] as readonly string[], program: file = cli } = {},
): Promise<Served> {
  const port = String(await freePort())
  const program = startProgram(t, {
    args: [...flags, file, 'serve'],
    env: { PORT: port, ADMIN_API_KEY: adminKey, ...settings },
    cores,
  })
  return await serving(program, port)
}

/** The same with the answer to this question in the tier that the reply must name. */
export async function remembering(
  t: Owner,
  settings: Settings,
  question: object,
  { tier, program = cli }: { readonly tier: 'memory' | 'redis'; readonly program?: string },
): Promise<{ served: Served; reply: object }> {
  const served = await serveAskwell(t, settings, { program })
  const { ask } = clientOf(served.address)
  const reply = await until(`the answer comes from ${tier}`, async () => {
    const { json } = await ask(question)
    return json.cache.status === 'hit' && json.cache.tier === tier ? (json as object) : undefined
  })
  return { served, reply }
}

/** A bare Fastify route that gives this reply. */
export async function serveBare(t: Owner, reply: object): Promise<Served> {
  return await serveReply(t, bare, reply)
}

/** The same by `node:http` alone. */
export async function servePlain(t: Owner, reply: object): Promise<Served> {
  return await serveReply(t, plain, reply)
}

async function serveReply(t: Owner, server: string, reply: object): Promise<Served> {
  const folder = mkdtempSync(join(tmpdir(), 'askwell-bench-bare-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'reply.json')
  writeFileSync(file, JSON.stringify(reply))
  const port = String(await freePort())
  return await serving(startProgram(t, { args: [server, port, file], cores: measuredCore }), port)
}

async function serving(program: Program, port: string): Promise<Served> {
  const address = `http://127.0.0.1:${port}`
  await untilServing(program, `${address}/readyz`)
  return { program, address }
}
