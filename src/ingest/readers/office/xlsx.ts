import type { Content } from '../content.ts'
import { mainPartOf, partOf, relationshipsOf, targetOf, titleOf, type Relationship } from './office-parts.ts'
import { createCellCount, hiddenWarnings, sheetBlocks, type Sheet } from './sheet-text.ts'
import { readSheet, type Workbook } from './xlsx-sheet.ts'
import { readSharedStrings } from './xlsx-strings.ts'
import { readNumberFormats } from './xlsx-numbers.ts'
import { childAt, childrenOf } from '../xml.ts'
import { openZip, readingAs, type Archive } from '../zip.ts'

/** Reads an Excel workbook: each sheet under its name, with its values as they are shown. */
export async function readXlsx(bytes: Buffer): Promise<Content> {
  return await readingAs('an Excel workbook (.xlsx)', bytes, async () => await readWorkbook(await openZip(bytes)))
}

async function readWorkbook(archive: Archive): Promise<Content> {
  const main = await mainPartOf(archive)
  const root = await partOf(archive, main)
  const relationships = await relationshipsOf(archive, main)
  const stylesPart = await partOf(archive, targetOf(relationships, 'styles'))
  const date1904 = childAt(root, 'workbookPr')?.attributes['date1904']
  const countCells = createCellCount()
  const workbook: Workbook = {
    archive,
    strings: await readSharedStrings(archive, targetOf(relationships, 'sharedStrings')),
    textOf: readNumberFormats(stylesPart, { is1904: date1904 === '1' || date1904 === 'true' }),
    countCells,
  }
  const sheets: Sheet[] = []
  const hidden: string[] = []
  const withHidden: string[] = []
  for (const { name, part, isHidden } of sheetsOf(root, relationships)) {
    if (isHidden) {
      hidden.push(name)
      continue
    }
    const { rows, hidesRows } = await readSheet(workbook, part)
    if (hidesRows) withHidden.push(name)
    sheets.push({ name, rows })
  }
  return {
    title: await titleOf(archive),
    blocks: sheetBlocks(sheets),
    warnings: hiddenWarnings(hidden, withHidden),
  }
}

/** Chart sheets and dialogs have no cells. */
function sheetsOf(root: Parameters<typeof childAt>[0], relationships: ReadonlyMap<string, Relationship>) {
  return childrenOf(childAt(root, 'sheets'), 'sheet').flatMap(({ attributes }) => {
    const relationship = relationships.get(attributes['r:id'] ?? '')
    if (relationship?.type !== 'worksheet') return []
    const isHidden = attributes['state'] === 'hidden' || attributes['state'] === 'veryHidden'
    return [{ name: attributes['name'] ?? '', part: relationship.target, isHidden }]
  })
}
