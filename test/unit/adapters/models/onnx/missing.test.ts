import { registerHooks } from 'node:module'
import t from 'tap'
import { openOnnxEmbedder } from '../../../../../src/adapters/models/onnx/embedder.ts'
import { tinyModel } from '../../../../support/onnx-model.ts'

/** As after `npm ci --omit=dev`: the package is not there. In a file of its own, since an import is remembered. */
registerHooks({
  resolve(specifier, context, next) {
    return next(specifier === '@huggingface/transformers' ? '@huggingface/not-installed' : specifier, context)
  },
})

t.test('the package is missing: what to install, and why it was not', async t => {
  const opening = openOnnxEmbedder({ path: t.testdir(tinyModel()), languages: 'any' })
  await t.rejects(opening, {
    code: 'model_failed',
    detail: /is large: npm install --no-save --save-prod @huggingface\/transformers$/,
  })
})
