/**
 * Makes `cases.jsonl` and `passages.jsonl` from the texts in `documents/`: true sentences as they were written there, and
 * lies, written there or made from a true sentence by a change of one fact. Deterministic, so a second run changes nothing.
 *
 *   node eval/grounding/make.ts
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { randomOf } from './random.ts'
import type { CaseKind, GroundingCase, GroundingPassage } from './terms.ts'

interface Statement {
  readonly id: string
  readonly passage: string
  readonly truths: string[]
  readonly lies: { readonly kind: CaseKind; readonly text: string }[]
}

interface SourceFile {
  readonly language: string
  readonly part: GroundingCase['part']
  readonly names: readonly string[]
  readonly places: readonly string[]
  readonly clauses: readonly string[]
  readonly passages: readonly GroundingPassage[]
  readonly statements: readonly Statement[]
}

/** By what follows the language in the name of a file. */
const parts: Readonly<Record<string, GroundingCase['part']>> = {
  '': 'develop',
  2: 'held-out',
  3: 'unseen-1',
  4: 'unseen-2',
  5: 'unseen-3',
}

/** Shown with the passage that a sentence is about. */
const otherPassages = 4

const folder = import.meta.dirname

function write(name: string, rows: readonly object[]): void {
  writeFileSync(join(folder, name), rows.map(row => `${JSON.stringify(row)}\n`).join(''))
}

/** `names:` and the like at the top; `# document`, `## section`, statements, `+ true`, `- kind: lie`; `\n` is a line end. */
function read(name: string, text: string): SourceFile {
  const language = name.slice(0, 2)
  const part = parts[name.slice(3)]!
  const settings = new Map<string, readonly string[]>()
  const passages: { -readonly [Key in keyof GroundingPassage]: GroundingPassage[Key] }[] = []
  const statements: Statement[] = []
  let title = ''
  for (const line of text.trim().split('\n')) {
    const [, setting, values] = /^(names|places|clauses): (.*)$/.exec(line) ?? []
    const [, kind, lie] = /^- (\w+): (.*)$/.exec(line) ?? []
    if (setting) settings.set(setting, values!.split('|'))
    else if (line.startsWith('# ')) title = line.slice(2)
    else if (line.startsWith('## ')) {
      passages.push({
        id: `${name}-${passages.length + 1}`,
        language,
        title: `${title} › ${line.slice(3)}`,
        text: '',
      })
    } else if (line.startsWith('+ ')) statements.at(-1)!.truths.push(unescaped(line.slice(2)))
    else if (kind) statements.at(-1)!.lies.push({ kind: kind as CaseKind, text: unescaped(lie!) })
    else addStatement(line)
  }
  return { language, part, passages, statements, names: of('names'), places: of('places'), clauses: of('clauses') }

  function of(name: string): readonly string[] {
    return settings.get(name) ?? []
  }

  function addStatement(line: string): void {
    const passage = passages.at(-1)!
    const isRow = line.startsWith('|') && passage.text.endsWith('|')
    passage.text += `${passage.text === '' ? '' : line.startsWith('|') ? '\n' : ' '}${unescaped(line)}`
    if (!isRow) statements.push({ id: `${name}-s${statements.length + 1}`, passage: passage.id, truths: [], lies: [] })
  }
}

function unescaped(text: string): string {
  return text.replaceAll('\\n', '\n')
}

function casesOf(file: SourceFile): GroundingCase[] {
  const found: GroundingCase[] = []
  for (const statement of file.statements) {
    const random = randomOf(statement.id)
    const passages = shown(statement.passage, file, random)
    const add = (kind: CaseKind, draft: string, by: GroundingCase['by']) =>
      found.push({
        id: `${statement.id}-${found.length}`,
        language: file.language,
        part: file.part,
        kind,
        by,
        draft,
        passages,
      })
    for (const truth of statement.truths) {
      add('true', truth, 'written')
      if (file.clauses.length === 0) continue
      for (const { kind, text } of changed(truth, file, random)) add(kind, text, 'script')
    }
    for (const { kind, text } of statement.lies) add(kind, text, 'written')
  }
  return found
}

type Random = ReturnType<typeof randomOf>

/** The passage of a statement among others of its language, in any order. */
function shown(own: string, { passages }: SourceFile, random: Random): string[] {
  const others = random.shuffled(passages.filter(({ id }) => id !== own)).slice(0, otherPassages)
  return random.shuffled([own, ...others.map(({ id }) => id)])
}

interface Lie {
  readonly kind: CaseKind
  readonly text: string
}

/** At most two lies of each true sentence: a changed fact, and an invented clause for every second one. */
function changed(truth: string, file: SourceFile, random: Random): Lie[] {
  const named = swappedName(truth, file, random)
  const numbered = changedNumber(truth, random)
  const fact = named && (!numbered || random.next() < 0.5) ? named : numbered
  const isProse = !/[\n|`]|^-/.test(truth)
  const clause = isProse && random.next() < 0.5 ? invented(truth, file, random) : null
  return [fact, clause].filter(each => each !== null)
}

/** The last part of a name, or a place, becomes that of another. */
function swappedName(truth: string, { names, places }: SourceFile, random: Random): Lie | null {
  for (const list of [names, places]) {
    const own = list.find(name => truth.includes(name))
    if (own === undefined) continue
    const other = random.shuffled(list.filter(name => name !== own))[0]!
    return { kind: 'name', text: truth.replaceAll(own, other) }
  }
  return null
}

const plainNumber = /(?<![\p{L}\p{N}.,:-])\d+(?:[.,:]\d+)?(?![\p{L}\p{N}:-]|[.,]\d)/gu

function changedNumber(truth: string, random: Random): Lie | null {
  const numbers = [...truth.matchAll(plainNumber)].filter(({ 0: digits, index }) => !isOrdinal(truth, index, digits))
  const match = random.shuffled(numbers)[0]
  if (!match) return null
  const [digits] = match
  const parts = digits.split(/[.,:]/)
  const last = parts.at(-1)!
  const other = String((Number(last) + 1 + Math.floor(random.next() * 7)) % 10 ** last.length).padStart(
    last.length,
    '0',
  )
  if (other === last) return null
  const text =
    truth.slice(0, match.index) + digits.slice(0, -last.length) + other + truth.slice(match.index + digits.length)
  return { kind: 'number', text }
}

/** The number of a step in a list. */
function isOrdinal(truth: string, index: number, digits: string): boolean {
  return truth[index + digits.length] === '.' && (index === 0 || truth[index - 1] === '\n')
}

function invented(truth: string, { clauses }: SourceFile, random: Random): Lie {
  const clause = random.shuffled(clauses)[0]!
  const end = /[.!?"»]*$/.exec(truth)!
  return { kind: 'clause', text: `${truth.slice(0, end.index)}${clause.startsWith(',') ? '' : ' '}${clause}.` }
}

const files = readdirSync(join(folder, 'documents'))
  .filter(name => name.endsWith('.txt'))
  .sort()
  .map(name => read(name.slice(0, -4), readFileSync(join(folder, 'documents', name), 'utf8')))
write(
  'passages.jsonl',
  files.flatMap(file => file.passages),
)
const cases = files.flatMap(casesOf)
write('cases.jsonl', cases)
const lies = cases.filter(({ kind }) => kind !== 'true').length
console.log(
  `${cases.length - lies} true sentences and ${lies} lies, in ${new Set(files.map(each => each.language)).size} languages`,
)
