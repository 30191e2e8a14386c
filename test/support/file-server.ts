import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Owner } from './server-process.ts'

export interface FileServer {
  /** Address that the files are under. */
  readonly url: string
  /** Path and range of each request, in order: `config.json`, `model.onnx bytes=100-`. */
  readonly requests: readonly string[]
  /** Connections are cut after so many bytes of a body; so many times. */
  cutAfter: number
  cuts: number
  /** Bytes that a file has instead of those on disk, by path. */
  readonly instead: Map<string, Buffer>
  /** Paths under which files of another path are handed out. */
  readonly aliases: Map<string, string>
  /** Status that is sent instead, by path. */
  readonly statuses: Map<string, number>
  /** Without ranges and tags, as a plain server of files. */
  isPlain: boolean
  /** Requests of this path are not answered until it is settled. */
  held: Promise<unknown> | null
}

/** Hands out a folder as a hub of models does: with ranges and tags, and with faults on demand. */
export async function serveFiles(t: Owner, folder: string): Promise<FileServer> {
  const requests: string[] = []
  const state = {
    cutAfter: Infinity,
    cuts: 0,
    instead: new Map<string, Buffer>(),
    aliases: new Map<string, string>(),
    statuses: new Map<string, number>(),
    isPlain: false,
    held: null as Promise<unknown> | null,
  }

  async function reply(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = decodeURIComponent(request.url ?? '').slice(1)
    const { range } = request.headers
    requests.push(range === undefined ? path : `${path} ${range}`)
    await state.held
    const status = state.statuses.get(path)
    const bytes =
      state.instead.get(path) ?? (await readFile(join(folder, state.aliases.get(path) ?? path)).catch(() => null))
    if (status !== undefined || bytes === null) return void response.writeHead(status ?? 404).end()
    hand(bytes, { range, ifRange: String(request.headers['if-range']) }, response)
  }

  function hand(
    bytes: Buffer,
    { range, ifRange }: { readonly range: string | undefined; readonly ifRange: string },
    response: ServerResponse,
  ): void {
    const tag = `"${createHash('sha256').update(bytes).digest('hex')}"`
    const wanted = /^bytes=(\d+)-$/.exec(range ?? '')
    const isPart = !state.isPlain && wanted !== null && ifRange === tag
    const from = isPart ? Number(wanted[1]) : 0
    const body = bytes.subarray(from)
    response.writeHead(isPart ? 206 : 200, {
      'content-length': body.length,
      ...(!state.isPlain && { etag: tag }),
      ...(isPart && { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
    })
    if (body.length <= state.cutAfter || state.cuts === 0) return void response.end(body)
    state.cuts -= 1
    response.write(body.subarray(0, state.cutAfter), () => response.destroy())
  }

  const server = createServer((request, response) => void reply(request, response))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return Object.assign(state, { url, requests })
}
