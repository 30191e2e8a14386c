/** DATABASE_URL, parsed. */
export interface DatabaseAddress {
  /** In the order they are tried. Empty when the URL names no host: then PGHOST and PGPORT apply, or localhost. */
  readonly servers: readonly ServerAddress[]
  readonly user?: string
  readonly password?: string
  readonly database?: string
  readonly tls: TlsWish
  readonly login: LoginWish
  readonly wanted: WantedServer
  /** Limit for opening a connection; undefined for the default. */
  readonly connectSeconds?: number
  /** Null to send no TCP keepalives. */
  readonly keepAliveMs: number | null
  /** Session settings, sent to the server when a connection starts. */
  readonly parameters: Readonly<Record<string, string>>
  /** Names of parameters that have no effect here. */
  readonly unused: readonly string[]
}

export interface ServerAddress {
  /** Name in messages and in certificates. */
  readonly host: string
  /** Address to connect to, when the host is not looked up (`hostaddr`). */
  readonly address?: string
  readonly port: number
  /** Path of the Unix socket; null for TCP. */
  readonly path: string | null
}

export const sslModes = ['disable', 'allow', 'prefer', 'require', 'no-verify', 'verify-ca', 'verify-full'] as const
export type SslMode = (typeof sslModes)[number]

export const tlsVersions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const
export type TlsVersion = (typeof tlsVersions)[number]

export interface TlsWish {
  readonly mode: SslMode
  /** Names of files: certificates of the CA, revoked certificates, our certificate and its key. */
  readonly rootCert?: string
  readonly revoked?: string
  readonly cert?: string
  readonly key?: string
  readonly keyPassword?: string
  readonly minVersion?: TlsVersion
  readonly maxVersion?: TlsVersion
  /** Starts TLS without first asking the server whether it supports it (Postgres 17). */
  readonly isDirect: boolean
  /** Whether the handshake contains the host name. */
  readonly hasServerName: boolean
}

export const channelBindings = ['disable', 'prefer', 'require'] as const
export type ChannelBinding = (typeof channelBindings)[number]

/** How the server may ask for the password; `none` is not to ask. */
export const loginMethods = ['none', 'password', 'md5', 'scram-sha-256'] as const
export type LoginMethod = (typeof loginMethods)[number]

export interface LoginWish {
  readonly channelBinding: ChannelBinding
  /** libpq's `require_auth`. */
  readonly methods: readonly LoginMethod[]
}

/** libpq's `target_session_attrs`. */
export const wantedServers = ['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby'] as const
export type WantedServer = (typeof wantedServers)[number]

/** What is wrong with the text. The message never contains a value, which could be a part of the password. */
export class UrlFault extends Error {}

/** A text of one of the two forms, taken apart but not yet interpreted. */
export interface Parts {
  /** `host:port,host:port`, as in the URL; parameters have precedence. */
  readonly hosts: string
  readonly parameters: ReadonlyMap<string, string>
}
