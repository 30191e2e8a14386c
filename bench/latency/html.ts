import type { Report } from './report.ts'
export function htmlOf(_: Report): string { return '' }
