import { execFile } from 'node:child_process'
import { Agent, request } from 'node:http'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import { median, quantile, rounded } from './figures.ts'
import { otherCores, pinned } from './program.ts'
import type { Served } from './servers.ts'

const execute = promisify(execFile)
const self = fileURLToPath(import.meta.url)

/** Milliseconds at the median of one connection that asks one question after the other; a second each in turn. */
export async function addedByOneConnection(bare: Served, served: Served, body: object, repeat: number) {
  const turns: { bare: number; served: number }[] = []
  for (let turn = 0; turn <= repeat; turn++)
    turns.push({ bare: await p50Of(bare, body), served: await p50Of(served, body) })
  const measured = turns.slice(1) // the first warms up
  const bareMs = median(measured.map(turn => turn.bare))
  const servedMs = median(measured.map(turn => turn.served))
  const addedMs = median(measured.map(turn => turn.served - turn.bare))
  return { 'bare p50, ms': rounded(bareMs, 3), 'Askwell p50, ms': rounded(servedMs, 3), addedMs: rounded(addedMs, 3) }
}

/** In a process of its own: this one may have other things to do. */
async function p50Of({ address }: Served, body: object): Promise<number> {
  const [command, ...all] = pinned(otherCores, [process.execPath, self, `${address}/ask`, JSON.stringify(body)])
  return Number((await execute(command!, all)).stdout)
}

async function askOnAndOn(url: string, body: string, forMs: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const latencies: number[] = []
  const end = performance.now() + forMs
  for (let start = performance.now(); start < end; start = performance.now()) {
    await exchange(url, body, agent)
    latencies.push(performance.now() - start)
  }
  agent.destroy()
  return latencies
}

function exchange(url: string, body: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const asked = request(url, { method: 'POST', agent, headers }, reply => reply.resume().once('end', resolve))
    asked.once('error', reject).end(body)
  })
}

if (import.meta.main) {
  const [url, body] = process.argv.slice(2) as [string, string]
  console.log(quantile(await askOnAndOn(url, body, 1000), 0.5))
}
