import { fold } from './fold.ts'

/**
 * Questions that only a number answers ("how many", "what year"), and texts that have one: closed classes of each
 * language. "When" is left out, since "after the exam" answers it, too.
 */

/** Phrases that ask for an amount, a length of time or a year. */
const phrases: Readonly<Record<string, string>> = {
  en: `how many|how much|how long|how old|how often|how far|how tall|how high|how large|how big|how heavy|how fast
    |what time|what year|which year|what percentage|what percent|what proportion|what number of`,
  ru: `сколько|скольких|скольким|сколькими|как долго|как часто|как далеко|насколько долго|в котором часу|до которого часа
    |в каком году|какого года|какой процент|какая доля|какое количество|какова численность`,
  uk: `скільки|скількох|скільком|як довго|як часто|як далеко|о котрій годині|о котрій|у якому році|в якому році|якого року
    |який відсоток|яка частка|яка кількість`,
  kk: `қанша|қаншадан|қаншаға|неше|нешеге|нешеде|нешінші|нешеден|қай жылы|қай жылдан|қандай мөлшерде|неше пайыз|қанша уақыт`,
  vi: `bao nhiêu|bao lâu|bao xa|mấy|năm nào|mấy giờ|tỷ lệ nào|bao nhiêu phần trăm`,
  it: `quanto|quanta|quanti|quante|quanto tempo|a che ora|in che anno|in quale anno|ogni quanto|che percentuale|quale percentuale`,
  de: `wie viel|wieviel|wie viele|wieviele|wie vielen|wie lange|wie alt|wie oft|wie weit|wie hoch|wie groß|wie teuer
    |um wie viel uhr|in welchem jahr|welches jahr|wie viel prozent|welcher anteil`,
  fr: `combien|combien de temps|quel âge|à quelle heure|en quelle année|quelle année|quel pourcentage|quelle proportion
    |quel nombre`,
  es: `cuánto|cuánta|cuántos|cuántas|cuanto|cuantos|cuantas|a qué hora|en qué año|qué año|qué porcentaje|qué proporción`,
  pt: `quanto|quanta|quantos|quantas|a que horas|em que ano|que ano|que percentagem|que porcentagem|qual a percentagem`,
  pl: `ile|ilu|iloma|jak długo|jak często|jak daleko|o której godzinie|o której|w którym roku|jaki procent`,
  tr: `kaç|kaça|kaçta|kaçıncı|ne kadar|hangi yıl|hangi yılda|saat kaçta|yüzde kaç`,
  zh: '多少|几|多久|多长|多大|多高|哪一年|百分之几',
  ja: 'いくら|いくつ|何人|何年|何時|何回|何個|何日|何パーセント|どのくらい|どれくらい',
}

/** Numbers as words, without those that are articles or pronouns as well. */
const numberWords: Readonly<Record<string, string>> = {
  en: `two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen
    |nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|billion|half|quarter|third
    |once|twice|dozen|zero|none|free|daily|weekly|monthly|yearly|annually|midnight|noon`,
  ru: `два|две|двух|двумя|три|трех|четыре|четырех|пять|пяти|шесть|шести|семь|семи|восемь|восьми|девять|девяти|десять|десяти
    |одиннадцать|двенадцать|двенадцати|пятнадцать|пятнадцати|двадцать|двадцати|тридцать|тридцати|сорок|пятьдесят|сто|тысяча
    |тысячи|тысяч|миллион|миллиона|миллионов|миллиард|половина|половину|треть|четверть|дважды|ежедневно|ежемесячно|ежегодно
    |бесплатно|полночь|полдень`,
  uk: `два|дві|двох|три|трьох|чотири|пять|шість|сім|вісім|девять|десять|десяти|дванадцять|двадцять|тридцять|сорок|сто|тисяча
    |тисяч|мільйон|мільйонів|половина|чверть|двічі|щодня|щомісяця|щороку|безкоштовно`,
  kk: `екі|үш|төрт|бес|алты|жеті|сегіз|тоғыз|он|он екі|жиырма|отыз|қырық|елу|жүз|мың|миллион|жарты|жартысы|тегін|күн сайын
    |ай сайын|жыл сайын`,
  vi: `hai|ba|bốn|năm|sáu|bảy|tám|chín|mười|mươi|trăm|nghìn|ngàn|triệu|tỷ|nửa|miễn phí|hằng ngày|hằng tháng|hằng năm|nửa đêm`,
  it: `due|tre|quattro|cinque|sei|sette|otto|nove|dieci|undici|dodici|quindici|venti|trenta|quaranta|cinquanta|cento|mille|mila
    |milione|milioni|miliardi|metà|mezzo|mezza|terzo|quarto|doppio|gratis|gratuito|gratuita|ogni giorno|ogni mese|ogni anno
    |mezzanotte|mezzogiorno`,
  de: `zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf|fünfzehn|zwanzig|dreißig|vierzig|fünfzig|hundert|tausend
    |million|millionen|milliarden|hälfte|halb|drittel|viertel|einmal|zweimal|täglich|wöchentlich|monatlich|jährlich|kostenlos
    |mitternacht|mittag`,
  fr: `deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|quinze|vingt|trente|quarante|cinquante|cent|cents|mille|million
    |millions|milliards|moitié|demi|tiers|quart|double|gratuit|gratuitement|quotidien|mensuel|annuel|minuit|midi`,
  es: `dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|once|doce|quince|veinte|treinta|cuarenta|cincuenta|cien|ciento|mil|millón
    |millones|mitad|medio|media|tercio|cuarto|doble|gratis|gratuito|diario|mensual|anual|medianoche|mediodía`,
  pt: `dois|duas|três|quatro|cinco|seis|sete|oito|nove|dez|onze|doze|quinze|vinte|trinta|quarenta|cinquenta|cem|cento|mil|milhão
    |milhões|metade|meio|meia|terço|quarto|dobro|grátis|gratuito|diário|mensal|anual|meia-noite|meio-dia`,
  pl: `dwa|dwie|dwóch|trzy|trzech|cztery|pięć|pięciu|sześć|siedem|osiem|dziewięć|dziesięć|dwanaście|piętnaście|dwadzieścia
    |trzydzieści|sto|tysiąc|tysięcy|milion|milionów|połowa|pół|ćwierć|codziennie|bezpłatnie|bezpłatny`,
  tr: `iki|üç|dört|beş|altı|yedi|sekiz|dokuz|on|on iki|yirmi|otuz|kırk|elli|yüz|bin|milyon|milyar|yarım|yarısı|çeyrek|ücretsiz
    |her gün|her ay|her yıl`,
  zh: '一|二|两|三|四|五|六|七|八|九|十|百|千|万|半|免费',
  ja: '一|二|三|四|五|六|七|八|九|十|百|千|万|半|無料',
}

/** Whether only a number can answer it. */
export function asksForAmount(question: string, language: string): boolean {
  return has(asking, question, language)
}

/** Whether a text has a number, in digits or in words of its language. */
export function hasAmount(text: string, language: string): boolean {
  return /\p{N}/u.test(text) || has(counting, text, language)
}

/** Numbers as words of a language, folded. */
export function numberWordsOf(language: string): readonly string[] {
  return listed(Object.hasOwn(numberWords, language) ? numberWords[language]! : '')
}

const withoutSpaces = /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}/u
const asking = patternsOf(phrases)
const counting = patternsOf(numberWords)

/** A language without such a list asks for nothing, and has no number words. */
function has(patterns: ReadonlyMap<string, RegExp>, text: string, language: string): boolean {
  return patterns.get(language)?.test(fold(text)) ?? false
}

function listed(list: string): string[] {
  return fold(list)
    .split('|')
    .map(phrase => phrase.trim())
    .filter(phrase => phrase !== '')
}

function patternsOf(lists: Readonly<Record<string, string>>): ReadonlyMap<string, RegExp> {
  return new Map(
    Object.entries(lists).map(([language, list]) => {
      const each = listed(list).map(phrase => phrase.replace(/\s+/g, String.raw`\s+`))
      const any = `(?:${each.join('|')})`
      // Not \b, which knows ASCII letters only.
      const source = withoutSpaces.test(list) ? any : String.raw`(?<![\p{L}\p{M}\p{N}])${any}(?![\p{L}\p{M}\p{N}])`
      return [language, new RegExp(source, 'u')]
    }),
  )
}
