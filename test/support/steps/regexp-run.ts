import { parseRegExp, type Node } from './regexp-parse.ts'

/**
 * Counts the steps of a regular expression by running it. Like V8's engine, it backtracks without memoization. Its
 * matches are compared with those of V8.
 */
export interface CountedRun {
  readonly steps: number
  readonly index: number
  readonly end: number
}

type Step =
  | Test
  | { readonly op: 'split'; readonly first: number; readonly second: number }
  | { readonly op: 'jump'; readonly to: number }
  | { readonly op: 'save'; readonly slot: number }
  | { readonly op: 'found' }

/** A step that matches at the current position or makes the run backtrack. */
type Test =
  | { readonly op: 'set'; readonly has: (character: string) => boolean }
  | { readonly op: 'progress' | 'same'; readonly slot: number }
  | { readonly op: 'look'; readonly program: Program; readonly isNegative: boolean }
  | { readonly op: 'edge'; readonly holds: (text: string, at: number) => boolean }

interface Program {
  readonly steps: readonly Step[]
  readonly isBackward: boolean
  readonly isUnicode: boolean
}

export interface Counted {
  readonly program: Program
  readonly slots: number
  /** V8 tries an anchored expression only at the start. */
  readonly isAnchored: boolean
}

const exec = RegExp.prototype.exec
const code = String.prototype.charCodeAt

export function countedOf(pattern: RegExp): Counted {
  const tree = parseRegExp(pattern)
  let slots = 64
  const flags = pattern.flags.replace(/[gyd]/g, '')
  const isUnicode = pattern.unicode || pattern.unicodeSets
  return {
    program: programOf(tree, false),
    get slots() {
      return slots
    },
    isAnchored: !pattern.multiline && startsAnchored(tree),
  }

  function programOf(node: Node, isBackward: boolean): Program {
    const steps: Step[] = []
    emit(node)
    steps.push({ op: 'found' })
    return { steps, isBackward, isUnicode }

    function emit(part: Node): void {
      switch (part.kind) {
        case 'set':
          steps.push({ op: 'set', has: setOf(part.source, flags) })
          break
        case 'sequence':
          for (const each of isBackward ? part.parts.toReversed() : part.parts) emit(each)
          break
        case 'choice':
          emitChoice(part.options)
          break
        case 'repeat':
          emitRepeat(part)
          break
        case 'group':
          emitGroup(part)
          break
        case 'look':
          steps.push({ op: 'look', program: programOf(part.node, part.isBehind), isNegative: part.isNegative })
          break
        case 'edge':
          steps.push({ op: 'edge', holds: edgeOf(part.source, pattern) })
          break
        case 'same':
          steps.push({ op: 'same', slot: 2 * part.group })
          break
      }
    }

    function emitGroup({ node, index }: Extract<Node, { kind: 'group' }>): void {
      steps.push({ op: 'save', slot: 2 * index + (isBackward ? 1 : 0) })
      emit(node)
      steps.push({ op: 'save', slot: 2 * index + (isBackward ? 0 : 1) })
    }

    function emitChoice([first, ...others]: readonly Node[]): void {
      if (others.length === 0) return emit(first!)
      const split = placed()
      emit(first!)
      const jump = placed()
      steps[split] = { op: 'split', first: split + 1, second: steps.length }
      emitChoice(others)
      steps[jump] = { op: 'jump', to: steps.length }
    }

    function emitRepeat({ node, min, max, isLazy }: Extract<Node, { kind: 'repeat' }>): void {
      for (let i = 0; i < min; i++) emit(node)
      if (max === Infinity) return emitLoop(node, isLazy)
      const splits = Array.from({ length: max - min }, () => {
        const split = placed()
        emit(node)
        return split
      })
      for (const split of splits) setSplit(split, isLazy)
    }

    function emitLoop(node: Node, isLazy: boolean): void {
      const slot = slots++
      const split = placed()
      steps.push({ op: 'save', slot })
      emit(node)
      steps.push({ op: 'progress', slot }, { op: 'jump', to: split })
      setSplit(split, isLazy)
    }

    function setSplit(split: number, isLazy: boolean): void {
      const [inside, after] = [split + 1, steps.length]
      steps[split] = isLazy
        ? { op: 'split', first: after, second: inside }
        : { op: 'split', first: inside, second: after }
    }

    /** Reserves a step that is filled in when its target is known. */
    function placed(): number {
      return steps.push({ op: 'found' }) - 1
    }
  }
}

function startsAnchored(node: Node): boolean {
  if (node.kind === 'edge') return node.source === '^'
  if (node.kind === 'sequence') return node.parts[0] !== undefined && startsAnchored(node.parts[0])
  if (node.kind === 'choice') return node.options.every(startsAnchored)
  return node.kind === 'group' && startsAnchored(node.node)
}

const sets = new Map<string, (character: string) => boolean>()

/** Tests whether a character is in a class, using V8. */
function setOf(source: string, flags: string): (character: string) => boolean {
  const name = `${flags}/${source}`
  const before = sets.get(name)
  if (before) return before
  const whole = new RegExp(`^(?:${source})$`, flags.replace('m', ''))
  const known = new Map<string, boolean>()
  const has = (character: string): boolean => {
    const answer = known.get(character) ?? exec.call(whole, character) !== null
    known.set(character, answer)
    return answer
  }
  sets.set(name, has)
  return has
}

function edgeOf(source: string, { multiline }: RegExp): (text: string, at: number) => boolean {
  const isLineEnd = (character: string | undefined) =>
    character === '\n' || character === '\r' || character === '\u2028' || character === '\u2029'
  const isWord = (character: string | undefined) => character !== undefined && /^\w$/.test(character)
  if (source === '^') return (text, at) => at === 0 || (multiline && isLineEnd(text[at - 1]))
  if (source === '$') return (text, at) => at === text.length || (multiline && isLineEnd(text[at]))
  return (text, at) => (isWord(text[at - 1]) !== isWord(text[at])) === (source === '\\b')
}

/** The first match from `from` on, or only at `from` if the expression is sticky. */
export function run(
  { program, slots, isAnchored }: Counted,
  text: string,
  from: number,
  isSticky: boolean,
): CountedRun {
  const matching = { text, registers: new Int32Array(slots).fill(-1), steps: 0 }
  const last = isSticky ? from : isAnchored ? 0 : text.length
  for (let start = from; start <= last; start++) {
    const end = matchAt(matching, program, start)
    if (end >= 0) return { steps: matching.steps, index: start, end }
    if (program.isUnicode && isPairAt(text, start)) start += 1
  }
  return { steps: matching.steps + 1, index: -1, end: -1 }
}

/** Lookarounds share the registers and the count with the expression around them. */
interface Matching {
  readonly text: string
  readonly registers: Int32Array
  steps: number
}

/** Where the match from `start` ends, or -1 if there is none. */
function matchAt(matching: Matching, program: Program, start: number): number {
  const { registers } = matching
  const waiting: { readonly pc: number; readonly at: number; readonly undo: number }[] = []
  /** Previous register values to restore on backtracking, as pairs of slot and value. */
  const trail: number[] = []
  let [pc, at] = [0, start]
  for (;;) {
    matching.steps += 1
    const step = program.steps[pc]!
    pc += 1
    switch (step.op) {
      case 'split':
        waiting.push({ pc: step.second, at, undo: trail.length })
        pc = step.first
        continue
      case 'jump':
        pc = step.to
        continue
      case 'save':
        trail.push(step.slot, registers[step.slot]!)
        registers[step.slot] = at
        continue
      case 'found':
        return at
    }
    const next = positionAfter(matching, program, step, at)
    if (next >= 0) {
      at = next
      continue
    }
    const back = waiting.pop()
    for (const kept = back?.undo ?? 0; trail.length > kept;) {
      const value = trail.pop()!
      registers[trail.pop()!] = value
    }
    if (back === undefined) return -1
    pc = back.pc
    at = back.at
  }
}

/** The position after a step that matches at `at`, or -1 if it does not match. */
function positionAfter(matching: Matching, program: Program, step: Test, at: number): number {
  const { text, registers } = matching
  switch (step.op) {
    case 'set': {
      const character = characterAt(program, text, at)
      if (character === '' || !step.has(character)) return -1
      return at + (program.isBackward ? -character.length : character.length)
    }
    case 'progress':
      return registers[step.slot] === at ? -1 : at
    case 'same': {
      const said = registers[step.slot]! < 0 ? '' : text.slice(registers[step.slot], registers[step.slot + 1])
      matching.steps += said.length
      return text.startsWith(said, at) ? at + said.length : -1
    }
    case 'look':
      return matchAt(matching, step.program, at) >= 0 === step.isNegative ? -1 : at
    case 'edge':
      return step.holds(text, at) ? at : -1
  }
}

function characterAt({ isBackward, isUnicode }: Program, text: string, at: number): string {
  if (!isBackward) return isUnicode && isPairAt(text, at) ? text[at]! + text[at + 1]! : (text[at] ?? '')
  return isUnicode && isPairAt(text, at - 2) ? text[at - 2]! + text[at - 1]! : (text[at - 1] ?? '')
}

function isPairAt(text: string, at: number): boolean {
  if (at < 0 || at + 1 >= text.length) return false
  const [first, second] = [code.call(text, at), code.call(text, at + 1)]
  return first >= 0xd800 && first <= 0xdbff && second >= 0xdc00 && second <= 0xdfff
}
