import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Owner } from '../support/server-process.ts'

/**
 * The model server as a process of its own. In the process that asks the honest questions, the vectors of a large upload
 * would hold up the clock that measures them.
 */
export interface ModelProcess {
  /** With `/v1`. */
  readonly url: string
  /** Calls under way now. */
  answering(): Promise<number>
}

export async function startModelProcess(t: Owner): Promise<ModelProcess> {
  const child = fork(fileURLToPath(new URL('model-program.ts', import.meta.url)), {
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const ended = once(child, 'exit')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const said = async () => {
    const [message] = await Promise.race([
      once(child, 'message'),
      ended.then(([code]) => Promise.reject(new Error(`the model server ended with ${code}`))),
    ])
    return message as { readonly url?: string; readonly answering?: number }
  }
  const { url = '' } = await said()
  return {
    url,
    async answering() {
      child.send('answering')
      return (await said()).answering ?? 0
    },
  }
}
