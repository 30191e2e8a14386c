import fc from 'fast-check'
import t from 'tap'
import { fold, foldKazakh } from '../../../src/text/fold.ts'
import { cyrillicReadings } from '../../../src/text/romanised.ts'
import { inEnglishLayout, inRussianLayout } from '../../../src/text/keyboard.ts'

const russianWords = `абонемент аптека багаж берег билет больница бухгалтер вечер взнос вокзал выходной газета гостиница
  деньги дождь документ дорога ежедневно железный жилье завтрак заявление зеркало зонт избушка издание июль кассир
  квартира книга колодец кошелек кухня лестница лошадь любовь магазин маршрут мелочь мясо налог неделя ночь область
  объявление объезд окно опоздание отпуск очередь пакет пальто паспорт печать пешеход площадь подъезд поезд польза
  почта прием пятница работа расписание рынок семья сентябрь скидка служба собака справка стоимость субботник счет
  съемка телефон торговля тысяча увольнение улица учебник февраль хозяйство цена цифра часы чемодан число шапка школа
  штраф щенок щетка экзамен электричество этаж юбилей юрист яблоко язык январь`.split(/\s+/)

const kazakhWords = `айран ақша алма ауыл әке әңгіме бала балабақша бауырсақ бесік бірінші дүкен дәріхана емтихан есік
  жаңбыр жексенбі жолаушы жұма жұмыс заңды кеңсе кітап күзет қағаз қала қаржы қыркүйек мұғалім мектеп найзағай отбасы
  өзен өтініш пойыз сабақ сағат сәлем сұрақ тамақ төлем төраға тұрғын ұстаз үйрену шағым шаруа шырша ыдыс`.split(/\s+/)

type Letters = Readonly<Record<string, string>>

const shared: Letters = Object.fromEntries(
  Array.from('абвгдезиклмнопрстуф', (letter, i) => [letter, 'abvgdeziklmnoprstuf'[i]!]),
)

const russianSchemes: Readonly<Record<string, Letters>> = {
  passport: {
    ...shared,
    ...{
      ж: 'zh',
      й: 'i',
      х: 'kh',
      ц: 'ts',
      ч: 'ch',
      ш: 'sh',
      щ: 'shch',
      ъ: 'ie',
      ы: 'y',
      ь: '',
      э: 'e',
      ю: 'iu',
      я: 'ia',
    },
  },
  'BGN/PCGN': {
    ...shared,
    ...{
      ж: 'zh',
      й: 'y',
      х: 'kh',
      ц: 'ts',
      ч: 'ch',
      ш: 'sh',
      щ: 'shch',
      ъ: "'",
      ы: 'y',
      ь: "'",
      э: 'e',
      ю: 'yu',
      я: 'ya',
    },
  },
  'ISO 9': {
    ...shared,
    ...{ ж: 'ž', й: 'j', х: 'h', ц: 'c', ч: 'č', ш: 'š', щ: 'ŝ', ъ: '', ы: 'y', ь: 'ʹ', э: 'è', ю: 'û', я: 'â' },
  },
  'as typed': {
    ...shared,
    ...{ ж: 'zh', й: 'y', х: 'h', ц: 'c', ч: '4', ш: 'sh', щ: 'sch', ъ: '', ы: 'y', ь: '', э: 'e', ю: 'yu', я: 'ya' },
  },
  'as typed, with j': {
    ...shared,
    ...{ ж: 'j', й: 'i', х: 'h', ц: 'ts', ч: 'ch', ш: 'sh', щ: 'sh', ъ: '', ы: 'i', ь: '', э: 'e', ю: 'ju', я: 'ja' },
  },
}

const kazakhShared: Letters = { ...shared, й: 'i', ж: 'j', ш: 'ş', х: 'h', и: 'i', ы: 'y' }
const kazakhSchemes: Readonly<Record<string, Letters>> = {
  'alphabet of 2021': {
    ...kazakhShared,
    ...{ ә: 'ä', ғ: 'ğ', қ: 'q', ң: 'ñ', ө: 'ö', ұ: 'ū', ү: 'ü', і: 'ı' },
  },
  'alphabet of 2018': {
    ...kazakhShared,
    ...{ ә: 'á', ғ: 'ǵ', қ: 'q', ң: 'ń', ө: 'ó', ұ: 'u', ү: 'ú', і: 'i', у: 'ý', ш: 'sh', и: 'ı', й: 'ı' },
  },
  'as typed': {
    ...kazakhShared,
    ...{ ә: 'a', ғ: 'g', қ: 'k', ң: 'n', ө: 'o', ұ: 'u', ү: 'u', і: 'i', ш: 'sh', ж: 'zh', й: 'y' },
  },
}

function romanised(word: string, letters: Letters): string {
  return Array.from(word, letter => letters[letter] ?? letter).join('')
}

for (const [name, letters] of Object.entries(russianSchemes))
  t.test(`Russian words, ${name}: are among the readings of their romanisation`, async t => {
    fc.assert(
      // Few would read the ъ that is left out, or is "ie" in a passport; the search corrects it as it does misspellings.
      fc.property(fc.constantFrom(...russianWords.filter(each => !each.includes('ъ'))), word => {
        const typed = fold(romanised(word, letters))
        return cyrillicReadings(typed, 'ru').includes(word)
      }),
      { numRuns: 400 },
    )
    t.pass()
  })

for (const [name, letters] of Object.entries(kazakhSchemes))
  t.test(`Kazakh words, ${name}: are among the readings of their romanisation`, async t => {
    fc.assert(
      fc.property(fc.constantFrom(...kazakhWords), word => {
        const readings = cyrillicReadings(fold(romanised(word, letters)), 'kk')
        return readings.map(foldKazakh).includes(foldKazakh(word))
      }),
      { numRuns: 400 },
    )
    t.pass()
  })

t.test('the usual spelling comes first', async t => {
  for (const [typed, word] of [
    ['shkola', 'школа'],
    ['chasy', 'часы'],
    ['tsena', 'цена'],
    ['yabloko', 'яблоко'],
    ['khoroshiy', 'хороший'],
  ] as const)
    t.equal(cyrillicReadings(typed, 'ru')[0], word)
  for (const [typed, word] of [
    ['qala', 'қала'],
    ['kala', 'қала'],
    ['kerek', 'керек'],
    ['jumys', 'жұмыс'],
    ['kün', 'күн'],
  ] as const)
    t.equal(cyrillicReadings(typed, 'kk')[0], word)
})

t.test('any word: has a bounded number of readings, without Latin letters', async t => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[a-zäöüūğñşıáóúýćčšžŝâûèë'4]{1,40}$/u),
      fc.constantFrom('ru' as const, 'kk' as const),
      (word, language) => {
        const readings = cyrillicReadings(word, language)
        return (
          readings.length <= 32 &&
          new Set(readings).size === readings.length &&
          readings.every(reading => !/\p{Script=Latin}/u.test(reading))
        )
      },
    ),
  )
  t.pass()
})

t.test('a layout: is undone by the other', async t => {
  t.equal(inRussianLayout('ghbdtn'), 'привет')
  t.equal(inRussianLayout('j,]zdktybt'), 'объявление')
  t.equal(inEnglishLayout('руддщ'), 'hello')
  fc.assert(fc.property(fc.stringMatching(/^[а-яё]{1,12}$/u), word => inRussianLayout(inEnglishLayout(word)) === word))
  t.pass()
})
