import t from 'tap'
import {
  apiModelName,
  localModel,
  onnxModelName,
  shownModel,
  wayBackTo,
} from '../../../../src/adapters/models/names.ts'

t.test('the model in the package is shown as it is set', async t => {
  t.equal(shownModel(localModel), 'local')
  t.equal(shownModel('text-embedding-3-small'), 'text-embedding-3-small')
})

t.test('the way back to a model: what to set, or to leave unset', async t => {
  const plain = apiModelName('nomic-embed-text', '')
  const prefixed = apiModelName('nomic-embed-text', 'search_document: ')
  t.equal(wayBackTo(localModel, plain), 'set EMBEDDING_MODEL=local')
  t.equal(wayBackTo(plain, localModel), 'set EMBEDDING_MODEL=nomic-embed-text')
  t.equal(
    wayBackTo(prefixed, plain),
    'set EMBEDDING_MODEL=nomic-embed-text and EMBEDDING_PASSAGE_PREFIX="search_document:"',
  )
  t.equal(wayBackTo(plain, prefixed), 'unset EMBEDDING_PASSAGE_PREFIX')
  t.match(
    wayBackTo(onnxModelName('e5', 'abc'), localModel),
    /^set EMBEDDING_MODEL=onnx:FOLDER to the folder "e5" that made them/,
  )
})
