import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync } from 'node:fs'
import { join } from 'node:path'

export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** Creates a self-signed certificate for `localhost` in the folder, owned by the account that runs the server. */
export function selfSigned(
  folder: string,
  account: { readonly uid: number; readonly gid: number } | undefined,
): Certificate {
  const [cert, key] = [join(folder, 'server.crt'), join(folder, 'server.key')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '30',
      '-keyout',
      key,
      '-out',
      cert,
      ...subject,
    ],
    { stdio: 'pipe' },
  )
  chmodSync(key, 0o600) // Postgres rejects a key that others can read
  if (account !== undefined) for (const file of [cert, key]) chownSync(file, account.uid, account.gid)
  return { cert, key }
}
