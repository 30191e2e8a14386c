import { stripDiacritics } from '../../text/fold.ts'

const letters: Readonly<Record<string, string>> = {
  а: 'a',
  ә: 'a',
  б: 'b',
  в: 'v',
  г: 'g',
  ғ: 'g',
  ґ: 'g',
  д: 'd',
  е: 'e',
  є: 'e',
  ж: 'j',
  з: 'z',
  и: 'i',
  й: 'i',
  і: 'i',
  ї: 'i',
  к: 'k',
  қ: 'k',
  л: 'l',
  м: 'm',
  н: 'n',
  ң: 'n',
  о: 'o',
  ө: 'o',
  п: 'p',
  р: 'r',
  с: 's',
  т: 't',
  у: 'u',
  ұ: 'u',
  ү: 'u',
  ў: 'u',
  ф: 'f',
  х: 'h',
  һ: 'h',
  ц: 'ts',
  ч: 'c',
  ш: 's',
  щ: 's',
  ъ: '',
  ы: 'i',
  ь: '',
  э: 'e',
  ю: 'iu',
  я: 'ia',
}

/**
 * A folded word as it sounds, in few Latin letters, so that the spellings of a name in Cyrillic and Latin letters are
 * equal: "Жанна" and "Zhanna" are `jana`, "Щербаков" and "Shcherbakov" `serbakov`.
 */
export function skeleton(word: string): string {
  const latin = Array.from(word, letter => letters[letter] ?? letter).join('')
  return stripDiacritics(latin)
    .replace(/shch|sch|sh/g, 's')
    .replace(/tch|ch/g, 'c')
    .replace(/zh|dzh|dj|j/g, 'j')
    .replace(/kh|gh/g, 'h')
    .replace(/ts|tz/g, 'ts')
    .replace(/ph/g, 'f')
    .replace(/ck|q/g, 'k')
    .replace(/w/g, 'v')
    .replace(/x/g, 'ks')
    .replace(/y/g, 'i')
    .replace(/[^a-z0-9]/g, '')
    .replace(/(.)\1+/g, '$1')
    .replace(/i+/g, 'i')
}
