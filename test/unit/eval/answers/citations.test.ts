import t from 'tap'
import { citationFigures } from '../../../../src/eval/answers/citations.ts'
import type { Reply } from '../../../../src/eval/answers/terms.ts'

const rent = 'A place in the dormitory costs 12,000 tenge a month.'
const hours = 'Quiet hours last from 23:00 to 07:00.'

function reply(text: string, quotes: readonly string[], abstained = false): Reply {
  return {
    text,
    abstained,
    isSmalltalk: false,
    generator: 'llm',
    language: 'en',
    citations: quotes.map((quote, i) => ({ index: i + 1, source: 's', title: '', quote, text: quote })),
    passages: [],
    confidence: null,
    relevance: null,
    signals: { coverage: null, cosine: null, unit: null, rerank: null },
    ms: 1,
  }
}

t.test('a statement counts if what it cites supports it; a citation, if its statement needs it', async t => {
  const figures = (text: string) => {
    const { recall, precision } = citationFigures([reply(text, [rent, hours])])
    return [recall.value, precision.value]
  }
  t.same(figures('A place costs 12,000 tenge a month [1]. Quiet hours last from 23:00 to 07:00 [2].'), [1, 1])
  t.same(figures('A place costs 12,000 tenge a month [1]. Quiet hours last from 23:00 to 07:00.'), [0.5, 1])
  t.same(figures('A place costs 12,000 tenge a month [2].'), [0, 0])
  t.same(figures('A place costs 14,000 tenge a month [1].'), [0, 0])
  // The second supports nothing, and the first does without it.
  t.same(figures('A place costs 12,000 tenge a month [1][2].'), [1, 0.5])
})

t.test('abstentions have no citations', async t => {
  const { recall } = citationFigures([reply("I can't find that in the documents.", [], true)])
  t.notOk(Number(recall.value) > 0)
})
