import fc from 'fast-check'
import t from 'tap'
import { fold, foldKazakh, foldVietnamese, stripDiacritics, tidy, unmixScripts } from '../../../src/text/fold.ts'
import { anyText } from '../../support/any-text.ts'

const texts = fc.oneof(anyText(), fc.string({ unit: 'grapheme' }))

for (const [name, change] of Object.entries({
  tidy,
  fold,
  stripDiacritics,
  foldKazakh,
  foldVietnamese,
  unmixScripts,
})) {
  t.test(`${name}: doing it twice changes nothing more`, async t => {
    fc.assert(
      fc.property(texts, text => change(change(text)) === change(text)),
      { numRuns: 3000 },
    )
    t.pass()
  })
}

t.test('fold: spellings of one word become one', async t => {
  t.equal(fold('ЁЛКА'), 'елка')
  t.equal(fold('ﬁle'), 'file')
  t.equal(fold('don’t'), "don't")
  t.equal(fold('co\u00adope\u200brate'), 'cooperate')
  t.equal(fold('за\u0301мок'), 'замок')
  t.equal(fold('İstanbul'), 'istanbul')
  t.equal(fold('ＡＰＩ'), 'api')
  t.equal(fold('مُحَمَّد'), 'محمد')
})

t.test('fold: letters that only look like letters with marks stay', async t => {
  t.equal(fold('Май'), 'май')
  t.equal(fold('Київ'), 'київ')
  t.equal(fold('がく'), 'がく')
  t.equal(fold('ที่'), 'ที่')
  t.equal(fold('हिन्दी'), 'हिन्दी')
})

t.test('tidy: keeps case and drops pictographs with the letters inside them', async t => {
  t.equal(tidy('askWell™'), 'askWell ')
  t.equal(tidy('👍🏽').trim(), '')
})

t.test('stripDiacritics: Latin and Greek lose accents, other scripts lose nothing', async t => {
  t.equal(stripDiacritics('Đường Việt Nam'), 'Duong Viet Nam')
  t.equal(stripDiacritics('žluťoučký łódź smørrebrød'), 'zlutoucky lodz smorrebrod')
  t.equal(stripDiacritics('πανεπιστήμιο'), 'πανεπιστημιο')
  t.equal(stripDiacritics('e\u0301te\u0301'), 'ete')
  t.equal(stripDiacritics('май, её, ґанок, қала'), 'май, её, ґанок, қала')
  t.equal(stripDiacritics('が ที่ हिन्दी 대학'), 'が ที่ हिन्दी 대학')
})

t.test('foldKazakh: a Russian keyboard types the same', async t => {
  t.equal(foldKazakh('әғқңөұүіһё'), 'агкноууихе')
})

t.test('foldVietnamese: both schools of tone marks agree', async t => {
  t.equal(foldVietnamese('hoà bình, thuý, khoẻ'), foldVietnamese('hòa bình, thúy, khỏe'))
  t.equal(foldVietnamese('quý toàn'), 'quý toàn')
})

t.test('unmixScripts: a Latin letter inside a Cyrillic word is the Cyrillic one', async t => {
  t.equal(unmixScripts('бiлiм'), 'білім')
  t.equal(unmixScripts('api'), 'api')
  t.equal(unmixScripts('wifiны'), 'wifiны')
})
