import { posix } from 'node:path'
import { childAt, childrenOf, parseXml, textIn, type XmlElement } from '../xml.ts'
import type { Archive } from '../zip.ts'

/** A part that another part of an Office Open XML file refers to. */
export interface Relationship {
  /** Last segment of the type, such as `worksheet` or `notesSlide`. */
  readonly type: string
  /** Name of the part in the archive, or the URL if the target is external. */
  readonly target: string
  readonly isExternal: boolean
}

/** The relationships of a part, by id. `''` is the package itself. */
export async function relationshipsOf(archive: Archive, part: string): Promise<ReadonlyMap<string, Relationship>> {
  const folder = posix.dirname(part)
  const root = await partOf(archive, posix.join(folder, '_rels', `${posix.basename(part)}.rels`))
  return new Map(
    childrenOf(root, 'Relationship').map(({ attributes: { Id, Type = '', Target = '', TargetMode } }) => [
      Id ?? '',
      {
        type: Type.slice(Type.lastIndexOf('/') + 1),
        target: TargetMode === 'External' ? Target : posix.resolve('/', folder, Target).slice(1),
        isExternal: TargetMode === 'External',
      },
    ]),
  )
}

/** The parsed part, or undefined if the archive does not have it. */
export async function partOf(archive: Archive, name: string | undefined): Promise<XmlElement | undefined> {
  return name !== undefined && archive.has(name) ? await parseXml(archive.stream(name)) : undefined
}

export function targetOf(relationships: ReadonlyMap<string, Relationship>, type: string): string | undefined {
  return relationships.values().find(relationship => relationship.type === type)?.target
}

/** Name of the main part, such as `xl/workbook.xml`. */
export async function mainPartOf(archive: Archive): Promise<string> {
  const main = targetOf(await relationshipsOf(archive, ''), 'officeDocument')
  if (main === undefined || !archive.has(main)) throw new Error('no main part')
  return main
}

/** The title in the properties of the file, unless a program filled it in. */
export async function titleOf(archive: Archive): Promise<string | undefined> {
  const title = textIn(childAt(await partOf(archive, 'docProps/core.xml'), 'title')).trim()
  return isUsefulTitle(title) ? title : undefined
}

export function isUsefulTitle(title: string): boolean {
  return title !== '' && !/^(?:powerpoint[ -]|untitled|presentation\d*$|slide 1$|workbook\d*$|book\d*$)/i.test(title)
}
