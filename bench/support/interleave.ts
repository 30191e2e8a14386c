/** Something that is measured for a while: a service under load, a query. */
export interface Subject<Shot> {
  readonly name: string
  readonly shoot: () => Promise<Shot>
}

/** Each of the others once, between two looks at the control. */
export interface Turn<Shot> {
  readonly before: Shot
  readonly after: Shot
  readonly shots: Readonly<Record<string, Shot>>
}

/** Twice, before anything counts: what a process does often is compiled by then. */
export async function warmed(subjects: readonly Subject<unknown>[]): Promise<void> {
  for (const { shoot } of subjects) {
    await shoot()
    await shoot()
  }
}

/** Every subject once, then every subject again, the control before, between and after: what slows the machine for a while slows all of them. */
export async function interleaved<Shot>(
  control: Subject<Shot>,
  others: readonly Subject<Shot>[],
  repeat: number,
): Promise<Turn<Shot>[]> {
  const turns: Turn<Shot>[] = []
  let before = await control.shoot()
  for (let turn = 0; turn < repeat; turn++) {
    const shots: Record<string, Shot> = {}
    for (const { name, shoot } of others) shots[name] = await shoot()
    const after = await control.shoot()
    turns.push({ before, after, shots })
    before = after
  }
  return turns
}
