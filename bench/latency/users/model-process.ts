import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Behaviour } from '../../../test/support/model/behaviour.ts'
import type { Keeper } from '../../cache/keeper.ts'

/** What can be sent to another process. */
export type Pace = Pick<Behaviour, 'delayMs' | 'atOnce' | 'status' | 'retryAfter'>

/** The model server as a process of its own, which shares no event loop with the users that are measured. */
export interface ModelProcess {
  /** With `/v1`. */
  readonly url: string
  /** From now on. */
  behave(pace: Pace): Promise<void>
}

/** Two sentences, one with a citation. */
const answer =
  'The permit costs what its notice says and is ready within some working days [1]. Apply at the desk with a passport and the form that is named there.'

export async function startModelProcess(t: Keeper): Promise<ModelProcess> {
  const child = fork(fileURLToPath(new URL('model-program.ts', import.meta.url)), [answer], {
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
    return message as { readonly url?: string }
  }
  const { url = '' } = await said()
  return {
    url,
    async behave(pace) {
      child.send(pace)
      await said()
    },
  }
}
