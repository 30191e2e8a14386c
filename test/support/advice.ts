import type { App, Reply } from './app.ts'
import { contractFaults } from './contract.ts'
import { until } from './until.ts'

export interface Advice {
  readonly id: string
  readonly severity: string
  readonly setting: string | null
  readonly title: string
  readonly evidence: string
  readonly action: string
}

type Asked = Pick<App, 'send'>

const path = '/monitoring/performance-metrics'

/** The whole reply, checked against the contract. */
export async function performanceOf(app: Asked, headers: Record<string, string> = {}): Promise<Reply['json']> {
  const { status, headers: got, text, json } = await app.send('GET', path, undefined, headers)
  const faults = contractFaults({ method: 'GET', path, status, headers: got, body: text })
  if (status !== 200 || faults.length > 0) throw new Error(`${status} ${faults.join('; ')} ${text.slice(0, 500)}`)
  return json
}

export async function adviceOf(app: Asked): Promise<readonly Advice[]> {
  return (await performanceOf(app)).recommendations
}

/** Waits for the recommendation, because some facts are read in the background. */
export async function advised(app: Asked, id: string, provoke: () => Promise<void> = async () => {}): Promise<Advice> {
  return await until(`${id} is recommended`, async () => {
    await provoke()
    return (await adviceOf(app)).find(each => each.id === id)
  })
}

let number = 0

/** A question that has not been asked before. */
export function freshQuestion(): { question: string } {
  number++
  return { question: `How much does a place in the dormitory cost in room ${number}?` }
}

export async function times<T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> {
  return await Promise.all(Array.from({ length: count }, (_, index) => work(index)))
}
