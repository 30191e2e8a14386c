/** The sum of a counter over all its labels, as `/metrics` has it now; 0 where it is not there yet. */
export async function counterOf(address: string, name: string): Promise<number> {
  const text = await (await fetch(`${address}/metrics`)).text()
  const lines = text.split('\n').filter(line => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}
