import t from 'tap'
import { stemEnglish } from '../../../src/text/english-stem.ts'

// Stems of Postgres' `english` configuration (`select ts_lexize('english_stem', …)`).
const stems = `
  a a | add add | adding add | agreed agre | aircraft aircraft | boundaries boundari | carefully care | communication communic
  connect connect | connected connect | connection connect | connections connect | conclusions conclus | constructor constructor
  controlling control | days day | died die | dying die | dnas dnas | early earli | egging egg | employ employ | falling fall
  generalization general | general general | generously generous | geology geolog | herring herring | hoping hope | hopping hop
  ied ie | inning inning | introduction introduct | news news | only onli | national nation | organ organ | organization organ
  playing play | plays play | proceed proceed | properly proper | rational ration | relational relat | relative relat | rolling roll
  say say | skies sky | succeeding succeed | traditional tradit | ties tie | universities univers | used use | venus venus
  yes yes | youth youth | y y`

t.test('English words: stem as in Postgres', async t => {
  for (const pair of stems.trim().split(/\s*[|\n]\s*/)) {
    const [word = '', stem = ''] = pair.split(' ')
    t.equal(stemEnglish(word), stem, word)
  }
})
