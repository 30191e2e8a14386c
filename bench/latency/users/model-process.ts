import { forkProgram } from '../../../test/support/forked.ts'
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
  const program = new URL('model-program.ts', import.meta.url)
  const { send, said } = forkProgram<{ readonly url?: string }>(t, program, [answer])
  const { url = '' } = await said()
  return {
    url,
    async behave(pace) {
      send(pace)
      await said()
    },
  }
}
