import { paced } from '../faults/world.ts'
import { startModel } from '../support/model.ts'

/** The model of model-process.ts: sends its URL once it listens, and how many calls are under way whenever it is asked. */

// A real model runs on another machine: the vectors of large uploads must not take the processors of this one.
const model = await startModel(undefined, { chat: paced(), embeddings: { readsAtMost: 400 } })
// Nobody reads the model's record, and it grows with every question.
const forget = () => [model.chat, model.embeddings].forEach(({ requests }) => void ((requests as unknown[]).length = 0))
setInterval(forget, 1000)
process.on('message', () => void process.send?.({ answering: model.answering }, () => undefined))
// Its parent is gone.
process.on('disconnect', () => process.exit(1))
process.send?.({ url: model.url })
