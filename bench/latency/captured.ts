import { startModel } from '../../test/support/model.ts'
import { clientOf } from '../../test/support/service.ts'
import { createKeeper } from '../cache/keeper.ts'
import { serveAskwell, type Settings } from '../cache/servers.ts'

/** What the product sends to the language model for one question: the model called directly is called with these bytes. */
export async function capturedCall(settings: Settings, question: object): Promise<string> {
  const t = createKeeper()
  try {
    const model = await startModel(t)
    const { address } = await serveAskwell(t, { ...settings, OPENAI_BASE_URL: model.url })
    const { status, text, json } = await clientOf(address).ask(question)
    const [request, ...others] = model.chat.requests
    if (status !== 200 || json.abstained || !request || others.length > 0)
      throw new Error(`one call of the language model was expected: ${status} ${text}`)
    return JSON.stringify(request.body)
  } finally {
    await t.end()
  }
}
