/** Parses our regular expressions to trees, so that `regexp-run.ts` can count the steps of matching them. */
export type Node =
  | { readonly kind: 'set'; readonly source: string }
  | { readonly kind: 'sequence'; readonly parts: readonly Node[] }
  | { readonly kind: 'choice'; readonly options: readonly Node[] }
  | {
      readonly kind: 'repeat'
      readonly node: Node
      readonly min: number
      readonly max: number
      readonly isLazy: boolean
    }
  | { readonly kind: 'group'; readonly node: Node; readonly index: number }
  | { readonly kind: 'look'; readonly node: Node; readonly isBehind: boolean; readonly isNegative: boolean }
  | { readonly kind: 'edge'; readonly source: '^' | '$' | '\\b' | '\\B' }
  | { readonly kind: 'same'; readonly group: number }

/** Throws on unsupported syntax. This includes named back references, which our code does not use. */
export function parseRegExp({ source, unicode, unicodeSets }: RegExp): Node {
  const isUnicode = unicode || unicodeSets
  let at = 0
  let groups = 0
  const tree = choice()
  if (at !== source.length) throw new Error(`cannot parse /${source}/ from ${at}`)
  return tree

  function choice(): Node {
    const options = [sequence()]
    while (source[at] === '|') {
      at += 1
      options.push(sequence())
    }
    return options.length === 1 ? options[0]! : { kind: 'choice', options }
  }

  function sequence(): Node {
    const parts: Node[] = []
    while (at < source.length && source[at] !== '|' && source[at] !== ')') parts.push(repeated(atom()))
    return { kind: 'sequence', parts }
  }

  function repeated(node: Node): Node {
    const found = /^(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})(\??)/.exec(source.slice(at))
    if (found === null) return node
    at += found[0].length
    const [, sign, least, comma, most, lazy] = found
    const min = sign === undefined ? Number(least) : sign === '+' ? 1 : 0
    const max =
      sign === undefined ? (comma === undefined ? min : Number(most || Infinity)) : sign === '?' ? 1 : Infinity
    return { kind: 'repeat', node, min, max, isLazy: lazy === '?' }
  }

  function atom(): Node {
    const character = isUnicode ? String.fromCodePoint(source.codePointAt(at)!) : source[at]!
    if (character === '(') return group()
    if (character === '[') return { kind: 'set', source: taken(classEnd()) }
    if (character === '\\') return escaped()
    at += character.length
    if (character === '^' || character === '$') return { kind: 'edge', source: character }
    return { kind: 'set', source: character }
  }

  function group(): Node {
    const [opening = '', form = '', name] = /^\((?:\?(?:(:|=|!|<=|<!)|<([^>]+)>))?/.exec(source.slice(at)) ?? []
    if (opening === '(' && source[at + 1] === '?') throw new Error(`cannot parse a group of /${source}/`)
    at += opening.length
    const index = form === '' ? (groups += 1) : 0
    const node = choice()
    at += 1
    if (form === '' || name !== undefined) return { kind: 'group', node, index }
    return form === ':' ? node : { kind: 'look', node, isBehind: form.startsWith('<'), isNegative: form.endsWith('!') }
  }

  function escaped(): Node {
    const found = taken(
      at +
        /^\\(?:u\{[^}]+\}|u[\da-f]{4}|x[\da-f]{2}|[pP]\{[^}]+\}|c[a-z]|[1-9]\d*|[^])/iu.exec(source.slice(at))![0]
          .length,
    )
    if (found === '\\b' || found === '\\B') return { kind: 'edge', source: found }
    if (/^\\[1-9]/.test(found)) return { kind: 'same', group: Number(found.slice(1)) }
    if (found === '\\k') throw new Error(`cannot parse \\k in /${source}/`)
    return { kind: 'set', source: found }
  }

  function taken(end: number): string {
    const found = source.slice(at, end)
    at = end
    return found
  }

  function classEnd(): number {
    let depth = 0
    for (let i = at; i < source.length; i++) {
      if (source[i] === '\\') i += 1
      else if (source[i] === '[' && (depth === 0 || unicodeSets)) depth += 1
      else if (source[i] === ']' && --depth === 0) return i + 1
    }
    throw new Error(`cannot parse a class of /${source}/`)
  }
}
