import { Agent, request } from 'node:http'
import { json } from 'node:stream/consumers'

/**
 * Time to the first token of two streams, asked in turn: nothing on the machine can slow one of the two alone. In a
 * process of its own: a job comes in as JSON, milliseconds of each stream go out.
 */
export interface StreamJob {
  readonly askwell: { readonly url: string; readonly bodies: readonly string[] }
  readonly model: { readonly url: string; readonly body: string }
}

export interface FirstTokens {
  readonly askwell: readonly number[]
  readonly model: readonly number[]
}

const agent = new Agent({ keepAlive: true })

async function firstTokens({ askwell: { url, bodies }, model }: StreamJob): Promise<FirstTokens> {
  const ours: number[] = []
  const theirs: number[] = []
  for (const body of bodies) {
    theirs.push(await firstToken(model.url, model.body, /"content":"[^"]/))
    ours.push(await firstToken(url, body, /^event: delta$/m))
  }
  agent.destroy()
  return { askwell: ours, model: theirs }
}

/** Reads the stream to its end, so that the next one finds nothing of it under way. */
function firstToken(url: string, body: string, isToken: RegExp): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      authorization: 'Bearer any',
    }
    const start = performance.now()
    const asked = request(url, { method: 'POST', agent, headers }, reply => {
      let text = ''
      let ms: number | undefined
      reply.setEncoding('utf8').on('data', (part: string) => {
        text += part
        if (ms === undefined && isToken.test(text)) ms = performance.now() - start
      })
      reply.once('end', () =>
        ms === undefined
          ? reject(new Error(`${url} streamed no token: ${reply.statusCode} ${text.slice(0, 500)}`))
          : resolve(ms),
      )
    })
    asked.once('error', reject).end(body)
  })
}

if (import.meta.main) process.stdout.write(JSON.stringify(await firstTokens((await json(process.stdin)) as StreamJob)))
