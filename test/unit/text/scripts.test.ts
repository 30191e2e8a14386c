import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { analyze, indexTerms } from '../../../src/text/analyze.ts'
import { detectLanguage } from '../../../src/text/language.ts'
import { fold } from '../../../src/text/fold.ts'
import { stem } from '../../../src/text/stem.ts'

/** Letters of the scripts that people ask in, with the languages whose rules are tried on them. */
const alphabets: Readonly<Record<string, readonly [letters: string, languages: readonly string[]]>> = {
  Latin: [
    'abcdefghijklmnopqrstuvwxyzàâäãåąáæćčçďđðéèêëęěğíìîïłľñńňóòôöõøőřśšşșßťțţúùûüůűýÿžźżþœ',
    [
      'en',
      'de',
      'fr',
      'es',
      'it',
      'pt',
      'nl',
      'sv',
      'da',
      'no',
      'nb',
      'nn',
      'fi',
      'hu',
      'ro',
      'ga',
      'lt',
      'id',
      'pl',
      'cs',
      'hr',
      'bs',
      'und',
    ],
  ],
  Vietnamese: [
    'aăâbcdđeêghiklmnoôơpqrstuưvxyàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ',
    ['vi', 'en'],
  ],
  Turkish: ['abcçdefgğhijklmnoöprsştuüvyz', ['tr', 'az']],
  Cyrillic: ['абвгґдђѓеєжзѕиіїйјклљмнњопрстћќуўфхцчџшщъыьэюя', ['ru', 'uk', 'be', 'bg', 'sr', 'mk', 'en']],
  Kazakh: ['аәбвгғдежзийкқлмнңоөпрстуұүфхһцчшщъыіьэюя', ['kk', 'ky', 'ru', 'tt']],
  Greek: ['αβγδεζηθικλμνξοπρστυφχψωάέήίόύώϊϋ', ['el', 'en']],
  Armenian: ['աբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆ', ['hy']],
  Georgian: ['აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰ', ['ka']],
  Hebrew: ['אבגדהוזחטיכךלמםנןסעפףצץקרשת', ['he']],
  Arabic: ['ابتثجحخدذرزسشصضطظعغفقكلمنهويةىءئؤأإآپچژگکی', ['ar', 'fa', 'ur']],
  Devanagari: ['अआइईउऊएऐओऔकखगघचछजझटठडढणतथदधनपफबभमयरलवशषसह', ['hi', 'ne', 'mr']],
  Tamil: ['அஆஇஈஉஊஎஏஐஒஓஔகஙசஞடணதநபமயரலவழளறன', ['ta']],
  Thai: ['กขคงจฉชซดตถทนบปผพฟมยรลวศสหอะา', ['th']],
  Han: ['学校图书馆奖金怎么申请大在哪里國圖書館', ['zh', 'ja']],
  Kana: ['あいうえおかきくけこがぎぐげごアイウエオカキクケコ', ['ja']],
  Hangul: ['가나다라마바사아자차카타파하학교장금신청', ['ko']],
}

const invisible = fc.constantFrom('\u00ad', '\u200b', '\u200d', '\u2060', '\ufeff', '\u200e')

function same(a: string, b: string, language: string): boolean {
  return isDeepStrictEqual(indexTerms(analyze(a, language)), indexTerms(analyze(b, language)))
}

for (const [script, [letters, languages]] of Object.entries(alphabets)) {
  const word = fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 14 })
  const text = fc.array(word, { minLength: 1, maxLength: 6 }).map(words => words.join(' '))
  const language = fc.constantFrom(...languages)

  t.test(`${script}: every word has a stem, and no stemmer stops at one`, async t => {
    fc.assert(
      fc.property(word, language, (word, language) => stem(fold(word), language) !== ''),
      { numRuns: 2000 },
    )
    t.pass()
  })

  t.test(`${script}: a text with letters has terms and a language`, async t => {
    fc.assert(
      fc.property(
        text,
        language,
        (text, language) =>
          indexTerms(analyze(text, language)).length > 0 &&
          /^[a-z]{2,3}$/.test(detectLanguage(text, { among: [language] })),
      ),
    )
    t.pass()
  })

  t.test(`${script}: letters composed or not are the same`, async t => {
    fc.assert(fc.property(text, language, (text, language) => same(text, text.normalize('NFD'), language)))
    t.pass()
  })

  t.test(`${script}: capitals are small letters`, async t => {
    fc.assert(fc.property(text, language, (text, language) => same(text.toLowerCase(), text.toUpperCase(), language)))
    t.pass()
  })

  t.test(`${script}: invisible characters are not there`, async t => {
    fc.assert(
      fc.property(text, language, invisible, fc.nat(), (text, language, character, at) => {
        const i = at % (text.length + 1)
        return same(text, text.slice(0, i) + character + text.slice(i), language)
      }),
    )
    t.pass()
  })
}

t.test('apostrophes: are one, whichever is typed', async t => {
  const word = fc.constantFrom("don't", "l'été", "dell'acqua", "O'Brien", "п'ять", "Newton's", "qu'il", "rock'n'roll")
  fc.assert(
    fc.property(
      word,
      fc.constantFrom(...'’‘ʼ`´′＇'),
      fc.constantFrom('en', 'fr', 'it', 'uk'),
      (word, apostrophe, language) => same(word, word.replaceAll("'", apostrophe), language),
    ),
  )
  t.pass()
})
