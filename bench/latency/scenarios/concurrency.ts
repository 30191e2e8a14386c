import { hotQuestion } from '../../cache/documents.ts'
import type { Keeper } from '../../cache/keeper.ts'
import { remembering, serveAskwell, serveBare } from '../../cache/servers.ts'
import { median } from '../../cache/figures.ts'
import { interleaved } from '../../support/interleave.ts'
import { lineOf, perSecond, shotsOf, type Shot } from '../shots.ts'
import { asking, askingAnew } from '../subjects.ts'
import type { Outcome, Scenario, World } from '../terms.ts'
import { allCores, nothingKept } from '../world.ts'

const levels = [1, 10, 50, 200, 1000]
const turns = 2

/** Throughput over concurrency: from memory, and never asked before; bare Fastify at each level. What is refused (503) is no answer. */
async function run(world: World, t: Keeper): Promise<Outcome> {
  const { served: hot, reply } = await remembering(t, world.settings(t), hotQuestion, { tier: 'memory' })
  const bare = await serveBare(t, reply)
  const cold =
    world.databaseUrl === null
      ? null
      : await serveAskwell(t, { ...world.settings(t), ...nothingKept }, { cores: allCores })
  const all: { connections: number; shots: Record<string, Shot[]> }[] = []
  for (const connections of levels) {
    const load = { connections, seconds: world.seconds, mayRefuse: true }
    const others = [
      asking('from memory', hot, hotQuestion, load),
      ...(cold === null ? [] : [askingAnew('cold', cold, world, load)]),
    ]
    if (all.length === 0) for (const { shoot } of others) await shoot()
    const measured = await interleaved(asking('bare Fastify', bare, hotQuestion, load), others, turns)
    all.push({
      connections,
      shots: {
        'bare Fastify': shotsOf(measured),
        ...Object.fromEntries(others.map(({ name }) => [name, shotsOf(measured, name)])),
      },
    })
  }
  const names = Object.keys(all[0]!.shots)
  return {
    tables: names.map(name => ({
      title: name,
      rows: all.map(({ connections, shots }) => lineOf(`${connections} connections`, shots[name]!)),
    })),
    sweeps: names.map(name => ({
      title: name === 'cold' ? 'cold, extractive' : 'from memory',
      name,
      points: all.map(({ connections, shots }) => ({ connections, perSecond: median(shots[name]!.map(perSecond)) })),
    })),
  }
}

export const concurrency: Scenario = { about: 'throughput from 1 to 1000 connections', fullSeconds: 120, run }
