import type { Block } from './compose.ts'
import { UnreadableError, type Content } from './content.ts'
import { flatten } from './html/flatten.ts'
import { readMarkdown } from './markdown/markdown.ts'

const longestOutput = 2000
const damaged = 'is damaged or not a Jupyter notebook'

type Fields = { readonly [key: string]: unknown }

/** Reads a Jupyter notebook (format 3 or 4): text, code, and the text of its outputs, but no pictures. */
export function readIpynb(json: string): Content {
  const notebook = parsed(json)
  const worksheets = listOf(notebook['worksheets']).map(recordOf)
  const cells = [notebook, ...worksheets].flatMap(each => listOf(each['cells'])).map(recordOf)
  if (!Array.isArray(notebook['cells']) && worksheets.length === 0) throw new UnreadableError(damaged)
  const metadata = recordOf(notebook['metadata'])
  const named = recordOf(metadata['kernelspec'])['language'] ?? recordOf(metadata['language_info'])['name']
  const language = typeof named === 'string' && /^[\w+#.-]{1,30}$/.test(named) ? named : ''
  const title = metadata['title']
  return {
    blocks: cells.flatMap(cell => cellBlocks(cell, language)),
    title: typeof title === 'string' ? title : undefined,
  }
}

function parsed(json: string): Fields {
  try {
    const value: unknown = JSON.parse(json)
    if (typeof value === 'object' && value !== null) return value as Fields
  } catch (error) {
    throw new UnreadableError(damaged, { cause: error })
  }
  throw new UnreadableError(damaged)
}

function cellBlocks(cell: Fields, language: string): readonly Block[] {
  const source = textOf(cell['source'] ?? cell['input'])
  switch (cell['cell_type']) {
    case 'markdown':
      return readMarkdown(source).blocks
    case 'heading':
      return [{ kind: 'heading', level: Math.min(6, Math.max(1, Number(cell['level']) || 1)), text: source }]
    case 'code': {
      const outputs = listOf(cell['outputs']).map(output => outputText(recordOf(output)))
      return [
        ...fenced(source, typeof cell['language'] === 'string' ? cell['language'] : language),
        ...outputs.flatMap(text => fenced(text, '')),
      ]
    }
    default:
      return source.trim() === '' ? [] : [{ kind: 'text', text: source }]
  }
}

function fenced(value: string, lang: string): readonly Block[] {
  if (value.trim() === '') return []
  return flatten(
    {
      type: 'root',
      children: [{ type: 'code', lang: /^[\w+#.-]{0,30}$/.test(lang) ? lang : '', value: value.trimEnd() }],
    },
    { slugs: false },
  )
}

/** Text of an output. Colors of terminals are removed; long outputs are cut, because they are logs as a rule. */
function outputText(output: Fields): string {
  const data = recordOf(output['data'])
  const isError = output['output_type'] === 'error' || output['output_type'] === 'pyerr'
  const text = isError
    ? `${textOf(output['ename'])}: ${textOf(output['evalue'])}`
    : textOf(output['text'] ?? data['text/plain'])
  // oxlint-disable-next-line no-control-regex
  const plain = text.replace(/\u001b\[[\d;]*m/g, '')
  if (/^<(?:Figure|AxesSubplot|IPython\.core\.display)[^>]*>$/.test(plain.trim())) return ''
  return plain.length <= longestOutput ? plain : `${plain.slice(0, longestOutput).replace(/\n[^\n]*$/, '')}\n…`
}

/** Text is a string or a list of lines with their ends. */
function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.filter(line => typeof line === 'string').join('')
  return typeof value === 'string' ? value : ''
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function recordOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}
