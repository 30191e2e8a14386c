import { startModel } from '../../../test/support/model.ts'
import type { Behaviour } from '../../../test/support/model/behaviour.ts'

/** The model of model-process.ts: sends its URL once it listens, and behaves as its parent says. */

const answer = process.argv[2] ?? ''
const model = await startModel(undefined, { chat: { answer }, embeddings: { readsAtMost: 400 } })
// Nobody reads the model's record, and it grows with every question.
const forget = () => [model.chat, model.embeddings].forEach(({ requests }) => void ((requests as unknown[]).length = 0))
setInterval(forget, 1000)
process.on('message', (behaviour: Behaviour) => {
  model.chat.behave({ answer, ...behaviour })
  process.send?.('done', () => undefined)
})
// Its parent is gone.
process.on('disconnect', () => process.exit(1))
process.send?.({ url: model.url })
