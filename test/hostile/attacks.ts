import { documentAttacks } from './attacks/documents.ts'
import { otherAttacks } from './attacks/around.ts'
import { questionAttacks } from './attacks/questions.ts'
import { wireAttacks } from './attacks/wire.ts'
import type { Attack } from './terms.ts'

/** All attacks. Whoever adds a route to openapi.yaml adds a row that goes for it; a unit test says which is missing. */
export const attacks: readonly Attack[] = [...documentAttacks, ...questionAttacks, ...wireAttacks, ...otherAttacks]

/** The attack of that name, or of a part of it that no other has. Throws what there is. */
export function attacksNamed(part: string): readonly Attack[] {
  const found = attacks.filter(({ name }) => name.toLowerCase().includes(part.toLowerCase()))
  if (found.length === 0)
    throw new Error(`no attack is called "${part}"; there are:\n${attacks.map(({ name }) => `  ${name}`).join('\n')}`)
  return found
}
