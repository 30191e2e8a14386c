import type { Content } from './content.ts'
export function readRst(text: string): Content { return { blocks: [{ kind: 'text', text }] } }
