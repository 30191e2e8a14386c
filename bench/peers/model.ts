import { parseArgs } from 'node:util'
import { startModel } from '../../test/support/model.ts'
import { promptOf, type ChatRequest } from '../../test/support/model/chat.ts'

/**
 * The model of the tests with an answer that does not depend on how a prompt is laid out: the sentence of the notice
 * that was asked for, if it is among the passages. `node bench/peers/model.ts --port N --chat-ms 50 --embedding-ms 20`
 */

const asked = /How much does the (\w+) permit cost/

/** Askwell numbers its passages and wants the number; in other prompts the sentence stands alone. */
function answer(request: ChatRequest): string {
  const prompt = promptOf(request)
  const name = asked.exec(prompt)?.[1]
  const at = prompt.indexOf(`The ${name} permit costs `)
  if (name === undefined || at < 0) return 'NO_ANSWER'
  const sentence = prompt.slice(at, prompt.indexOf('.', at) + 1)
  const number = [...prompt.slice(0, at).matchAll(/<passage n="(\d+)"/g)].at(-1)?.[1]
  return number === undefined ? sentence : `${sentence} [${number}]`
}

const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    'chat-ms': { type: 'string', default: '0' },
    'embedding-ms': { type: 'string', default: '0' },
  },
})
// In one go: a timer between tokens takes a millisecond, which only those would pay who stream.
await startModel(undefined, {
  port: Number(values.port),
  chat: { answer, isInOneGo: true, delayMs: Number(values['chat-ms']) },
  embeddings: { delayMs: Number(values['embedding-ms']) },
})
console.log('ready')
