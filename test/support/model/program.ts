import { parseArgs } from 'node:util'
import type { startModel } from '../model.ts'

const usage = `usage: node test/support/model.ts [--port 9001] [--delay MS] [--first-token MS] [--per-token MS]
                                  [--embedding-delay MS] [--answer TEXT]

A model for trying Askwell without an account: answers with sentences of the passages it is shown.`

/** Runs the model as a program until Ctrl-C, and prints the settings for Askwell. */
export async function runProgram(start: typeof startModel, args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      port: { type: 'string', default: '9001' },
      delay: { type: 'string', default: '0' },
      'first-token': { type: 'string', default: '0' },
      'per-token': { type: 'string', default: '0' },
      'embedding-delay': { type: 'string' },
      answer: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return console.log(usage)
  const delayMs = Number(values.delay)
  const chat = {
    delayMs,
    firstTokenMs: Number(values['first-token']),
    perTokenMs: Number(values['per-token']),
    ...(values.answer === undefined ? {} : { answer: values.answer }),
  }
  const embeddings = { delayMs: Number(values['embedding-delay'] ?? values.delay) }
  const model = await start(undefined, { port: Number(values.port), chat, embeddings })
  // The records of a program are never read, and a benchmark sends millions of requests.
  const forget = () =>
    [model.chat, model.embeddings].forEach(({ requests }) => void ((requests as unknown[]).length = 0))
  setInterval(forget, 1000).unref()
  console.log(environmentFor(model.url))
}

function environmentFor(url: string): string {
  return [
    `export OPENAI_BASE_URL=${url}`,
    'export OPENAI_API_KEY=any-key-will-do',
    'export CHAT_MODEL=test-chat',
    'export EMBEDDING_MODEL=test-embedding',
  ].join('\n')
}
