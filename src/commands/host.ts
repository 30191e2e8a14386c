/** The part of `process` that commands use. A test passes its own to run a command without starting a process. */
export interface Host {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: Output
  readonly stderr: Output
  /** Absent where nobody can answer a question. */
  readonly stdin?: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  exitCode?: number | string | null | undefined
}

type Output = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number }
