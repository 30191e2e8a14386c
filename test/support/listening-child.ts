import { createServer } from 'node:http'
import { startListeners } from '../../src/http/edge/listeners.ts'

/** Listens on each port that it is sent until the next one, and replies with `ok` or the code of the error. */

let closeLast = () => {}

process.on('message', port => void listen(Number(port)))

async function listen(port: number): Promise<void> {
  closeLast()
  const listeners: { close(): unknown }[] = []
  closeLast = () => listeners.forEach(listener => listener.close())
  try {
    for await (const each of startListeners(createServer(), { host: '127.0.0.1', port })) listeners.push(each)
    process.send!('ok')
  } catch (error) {
    process.send!((error as NodeJS.ErrnoException).code)
  }
}
