import { writeFileSync } from 'node:fs'
import { dashboards } from './dashboards.ts'
import { dashboardJson } from './panels.ts'

/** Writes dashboards/*.json, which Grafana loads. */
for (const [file, dashboard] of Object.entries(dashboards)) {
  writeFileSync(
    new URL(`dashboards/${file}`, import.meta.url),
    `${JSON.stringify(dashboardJson(dashboard), null, 1)}\n`,
  )
}
