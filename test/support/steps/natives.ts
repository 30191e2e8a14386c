import { countedOf, run, type Counted } from './regexp-run.ts'

/**
 * Cost of the engine's own functions, which coverage does not show: the steps of a regular expression, the distance of
 * a search, the length of a copy. A slice only costs its creation, because V8 makes it a view.
 */
export const natives = { steps: 0, isCounting: false }

const { isArray } = Array
const { ceil, log2 } = Math
const { exec } = RegExp.prototype
const programs = new Map<string, Counted>()

function charge(steps: number): void {
  if (natives.isCounting) natives.steps += steps
}

/** Runs `work` without counting, because counting itself uses the counted functions. */
function apart<T>(work: () => T): T {
  const before = natives.isCounting
  natives.isCounting = false
  try {
    return work()
  } finally {
    natives.isCounting = before
  }
}

type Method = (this: never, ...args: never[]) => unknown

/** Replaces a function of the engine with a counting one. `costOf` gets its arguments and its result. */
function counted(owner: object, name: string | symbol, costOf: (self: any, args: any[], result: any) => number): void {
  const native = Reflect.get(owner, name) as Method
  Reflect.defineProperty(owner, name, {
    writable: true,
    configurable: true,
    value(this: unknown, ...args: unknown[]) {
      const result = Reflect.apply(native, this as never, args as never)
      if (natives.isCounting) natives.steps += 1 + apart(() => costOf(this, args, result))
      return result
    },
  })
}

/** Call this once, before the counted code is loaded, in a process that does nothing else. */
export function countNatives(): void {
  countRegExps()
  countStrings()
  countArrays()
  countIterators()
}

function countRegExps(): void {
  RegExp.prototype.exec = function (this: RegExp, text: string) {
    const from = this.global || this.sticky ? this.lastIndex : 0
    const result = exec.call(this, text)
    if (natives.isCounting) charge(apart(() => stepsOf(this, String(text), from, result)))
    return result
  }
}

function stepsOf(pattern: RegExp, text: string, from: number, result: RegExpExecArray | null): number {
  const name = `${pattern.flags}/${pattern.source}`
  let program = programs.get(name)
  if (!program) programs.set(name, (program = countedOf(pattern)))
  if (from > text.length) return 1
  const { steps, index, end } = run(program, text, from, pattern.sticky)
  const found = result === null ? [-1, -1] : [result.index, result.index + result[0].length]
  if (index !== found[0] || end !== found[1])
    throw new Error(
      `/${pattern.source}/${pattern.flags} counted ${index}–${end}, V8 found ${found.join('–')} in ${JSON.stringify(text.slice(0, 200))} from ${from}`,
    )
  return steps
}

function countStrings(): void {
  const { prototype } = String
  const whole = (self: string) => String(self).length
  for (const name of [
    'toWellFormed',
    'isWellFormed',
    'toLowerCase',
    'toUpperCase',
    'toLocaleLowerCase',
    'localeCompare',
    'split',
    'replaceAll',
  ])
    counted(prototype, name, whole)
  for (const name of ['repeat', 'padEnd', 'padStart', 'concat'])
    counted(prototype, name, (_, __, result: string) => result.length)
  for (const name of ['trim', 'trimStart', 'trimEnd'])
    counted(prototype, name, (self: string, _, result: string) => self.length - result.length)
  for (const name of ['startsWith', 'endsWith']) counted(prototype, name, (_, [said]) => String(said).length)
  counted(
    prototype,
    'indexOf',
    (self: string, [, from = 0], result: number) => (result < 0 ? self.length : result) - Math.min(from, self.length),
  )
  counted(
    prototype,
    'includes',
    (self: string, [said, from = 0], result: boolean) => (result ? self.indexOf(said, from) : self.length) - from,
  )
  counted(
    prototype,
    'lastIndexOf',
    (self: string, [, from = self.length], result: number) => Math.min(from, self.length) - Math.max(result, 0),
  )
  counted(prototype, 'normalize', sortingOf)
  counted(Intl.Segmenter.prototype, 'segment', (_, [text]) => String(text).length)
}

/** ICU sorts a run of combining marks by insertion, which takes time quadratic in its length. */
function sortingOf(self: string): number {
  let [cost, marks] = [self.length, 0]
  for (const character of self) {
    marks = character > '\u02ff' && exec.call(/^\p{M}$/u, character) ? marks + 1 : 0
    cost += marks
  }
  return cost
}

function countArrays(): void {
  const { prototype } = Array
  const whole = (self: { length: number }) => self.length
  for (const name of [
    'join',
    'reverse',
    'toReversed',
    'toSpliced',
    'with',
    'fill',
    'shift',
    'unshift',
    'keys',
    'entries',
  ])
    counted(prototype, name, name === 'keys' || name === 'entries' ? () => 0 : whole)
  for (const name of ['slice', 'concat', 'flat'])
    counted(prototype, name, (_, __, result) => (isArray(result) ? result.length : 0))
  for (const name of ['sort', 'toSorted']) counted(prototype, name, self => self.length * ceil(log2(self.length + 1)))
  for (const name of ['indexOf', 'lastIndexOf'])
    counted(prototype, name, (self, _, result: number) => (result < 0 ? self.length : result))
  counted(prototype, 'includes', (self, [said], result: boolean) => (result ? self.indexOf(said) : self.length))
  counted(prototype, 'splice', (self, [from = 0]) => self.length - from)
  counted(prototype, 'push', (_, args) => args.length)
  for (const name of ['union', 'intersection', 'difference', 'isSubsetOf'])
    counted(Set.prototype, name, (self, [other]) => self.size + other.size)
}

/** Spreads, destructuring and loops cost one step per value. */
function countIterators(): void {
  const samples: Iterator<unknown>[] = [
    [].values(),
    ''[Symbol.iterator](),
    new Set().values(),
    new Map().entries(),
    new Intl.Segmenter().segment('')[Symbol.iterator](),
  ]
  for (const sample of samples) {
    const owner = Object.getPrototypeOf(sample) as Iterator<unknown>
    const { next } = owner
    owner.next = function (this: Iterator<unknown>) {
      if (natives.isCounting) natives.steps += 1
      return next.call(this)
    }
  }
}
