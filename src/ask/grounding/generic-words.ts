import { fold } from '../../text/fold.ts'
import { memoized } from '../../text/memoized.ts'
import { stem } from '../../text/stem.ts'

/** Words that hold a sentence together and claim little by themselves. */
const lists: Readonly<Record<string, string>> = {
  en: `allow allowed use uses used using need needs require required requires must provide provided offer include includes included make
    made take takes give given receive get gets apply available possible able mean means say says see case cases way ways time part
    amount amounts number total come comes go set called case person people user users employee employees customer customers one more less fewer longer later earlier exceed
    thing things want wants please always every each maximum minimum least most entitled order contact call ask question answer pay pays paid cost costs price priced fee charge charged`,
  ru: `можно нужно надо следует должен должны необходимо требуется является составляет размер время случай если чтобы получить
    получать сделать использовать человек люди вопрос вопросам обращаться обратиться обращайтесь максимум минимум разрешено допускается
    положен положена платить платят заплатить стоит стоить стоимость цена плата обойдется больше меньше более менее позднее позже раньше дольше выходит можете срок количество общий каждый`,
  kk: `керек қажет болады алуға болу үшін туралы жасау беру алу уақыт мөлшері саны мерзімі хабарласыңыз әр әрбір барлық ең көбі кемі көп артық аз кеш одан дегенде кем тиіс соң кейін бұрын түрде арқылы кезде егер болса келсе төлеу төлейді тұрады баға бағасы құны ақы ішінде дейін`,
  vi: `cần phải được muốn hãy mỗi một người các những có thể sẽ khi nếu là của về do bởi tối đa tối thiểu hỏi liên hệ thời hạn mức số
    lượng trường hợp bạn hơn ít nhiều quá sau trước giá phí hết tốn`,
  it: `può possono bisogna deve devono occorre serve usare fare dare avere essere viene vengono va vanno ogni caso modo tempo parte
    numero totale chi persona persone rivolgersi chiamare massimo minimo più meno oltre sia siano fosse costa costano costare pagare paga pagano prezzo spendere spesa`,
}

const stemsFor = memoized(
  (language: string): ReadonlySet<string> =>
    new Set((lists[language] ?? '').split(/\s+/).map(word => stem(fold(word), language))),
)

/** Whether a term is such a word. */
export function isGeneric(term: string, language: string): boolean {
  return Object.hasOwn(lists, language) && stemsFor(language).has(term)
}
