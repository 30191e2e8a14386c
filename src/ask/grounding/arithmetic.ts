import type { Fact, ReadText } from './fact-terms.ts'

/** Signs and words of arithmetic, as one sign each. */
const signs: readonly (readonly [RegExp, string])[] = [
  [
    /[×✕·∙]|(?<=\d\s{0,3})[xх](?=\s{0,3}\d)|(?<![\p{L}\p{M}])(?:times|multiplied by|умножить на|per|nhân|көбейту|volte)(?![\p{L}\p{M}])/giu,
    '*',
  ],
  [/[−–—](?=\s{0,3}\d)|(?<![\p{L}\p{M}])(?:minus|less|минус|trừ|meno|алу)(?![\p{L}\p{M}])/giu, '-'],
  [/(?<![\p{L}\p{M}])(?:plus|плюс|cộng|più|қосу)(?![\p{L}\p{M}])/giu, '+'],
  [/[÷∶]|(?<![\p{L}\p{M}])(?:divided by|разделить на|chia|diviso|бөлу)(?![\p{L}\p{M}])/giu, '/'],
  [/(?<![\p{L}\p{M}])(?:equals|is equal to|makes|равно|равняется|bằng|uguale a|fa|тең)(?![\p{L}\p{M}])/giu, '='],
]

const totals =
  /(?<![\p{L}\p{M}])(?:total|totals|altogether|together|in all|sum|combined|difference|итого|всего|вместе|в сумме|в общей сложности|барлығы|жиыны|tổng|tổng cộng|totale|in tutto|complessiv\p{L}*)(?![\p{L}\p{M}])/iu

/** A calculation in a text: what it computes, and whether that is right. */
interface Calculation {
  readonly result: number
  readonly isRight: boolean
}

const number = String.raw`\d+(?:\.\d+)?`
const expression = new RegExp(String.raw`${number}(?:\s*[-+*/]\s*${number})+\s*=\s*${number}`, 'g')

/** The calculations that a sentence writes out, such as "12 + 8 = 20" or "3 × 500 tenge = 1,500 tenge". */
export function calculationsIn(read: ReadText): readonly Calculation[] {
  const known = calculations.get(read)
  if (known) return known
  const found = readCalculations(read)
  calculations.set(read, found)
  return found
}

const calculations = new WeakMap<ReadText, readonly Calculation[]>()

function readCalculations({ text, words, facts }: ReadText): Calculation[] {
  if (!/\d/.test(text) && facts.length < 3) return []
  const plain = withPlainNumbers(text, words, facts)
  const signed = signs.reduce((rest, [pattern, sign]) => rest.replace(pattern, ` ${sign} `), plain)
  // Units between numbers and signs: "12 days + 8 days = 20 days".
  const bare = signed.replace(wordRun, run => (isUnit(run) ? ' ' : ' | ')).replace(/(?<!\d)\.|\.(?!\d)/g, ' ')
  return Array.from(bare.matchAll(expression), ([all]) => {
    const [left = '', right = ''] = all.split('=')
    const result = Number(right)
    return { result, isRight: nearly(valueOf(left), result) }
  })
}

const wordRun = /[^\d.+*/=\s-]+(?:\s+[^\d.+*/=\s-]+)*/g

/** What may stand between a number and a sign: a few words, and no other clause. */
function isUnit(run: string): boolean {
  return !/[,;:!?]/.test(run) && run.split(/\s+/).length <= 3
}

/** Numbers in the form of the language's own: without groups, with a point. */
function withPlainNumbers(text: string, words: ReadText['words'], facts: readonly Fact[]): string {
  let [plain, end] = ['', 0]
  const numbers = facts.filter(({ kind, amounts }) => kind === 'number' && amounts.length > 0)
  for (const { first, last, amounts, surface } of numbers.toSorted((a, b) => a.first - b.first)) {
    const start = words[first]!.start
    if (start < end) continue
    const digits = /\d[\d.,\s]*/
      .exec(surface)?.[0]
      .replace(/(?<=^\d{1,3}(?:\.\d{3})*)\.(?=\d{3}\.\d{3})|(?<=\.\d{3})\.(?=\d{3}\b)/g, '')
      .replace(/[\s,](?=\d{3}(?!\d))/g, '')
      .replace(',', '.')
      .trim()
    plain += `${text.slice(end, start)} ${digits ?? amounts[0]!.value} `
    end = words[last]!.end
  }
  return plain + text.slice(end)
}

function valueOf(terms: string): number {
  const tokens = terms.match(new RegExp(`${number}|[-+*/]`, 'g')) ?? []
  let [sum, product, sign] = [0, Number(tokens[0]), 1]
  for (let i = 1; i + 1 < tokens.length; i += 2) {
    const next = Number(tokens[i + 1])
    if (tokens[i] === '*') product *= next
    else if (tokens[i] === '/') product /= next
    else {
      sum += sign * product
      ;[product, sign] = [next, tokens[i] === '+' ? 1 : -1]
    }
  }
  return sum + sign * product
}

function nearly(a: number, b: number): boolean {
  return Math.abs(a - b) <= 0.005 * Math.max(1, Math.abs(b)) && Math.abs(a - b) < 0.5
}

/** Whether a sentence says that a number is the total, or the difference, of the other numbers in it, and it is. */
export function isTotalOf(value: number, others: readonly number[], { text }: Pick<ReadText, 'text'>): boolean {
  if (others.length < 2 || others.length > 8 || !totals.test(text)) return false
  const sum = others.reduce((total, other) => total + other, 0)
  return nearly(sum, value) || (others.length === 2 && nearly(Math.abs(others[0]! - others[1]!), value))
}
