import { userInfo } from 'node:os'
import { CosellError } from '../../errors.ts'

const sslModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const
export type SslMode = (typeof sslModes)[number]

const sessionAttributes = [
  'any',
  'read-write',
  'read-only',
  'primary',
  'standby',
  'prefer-standby',
] as const
export type SessionAttributes = (typeof sessionAttributes)[number]

const channelBindings = ['disable', 'prefer', 'require'] as const

/** TLS as the address asks for it; files are named, not read. */
export interface TlsRequest {
  /** Without `sslmode`: `disable` for this machine, else `verify-full`. */
  readonly mode: SslMode
  /** File of certificate authorities; `system` for those of the machine. */
  readonly rootCert: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
  readonly keyPassword: string | undefined
  readonly negotiation: 'postgres' | 'direct'
  /** Without the parameter `disable`: the driver cannot bind to every kind of certificate. */
  readonly channelBinding: (typeof channelBindings)[number]
}

/** Parts of a connection string. */
export interface Address {
  /** Name, IP address, or folder of a Unix socket. */
  readonly host: string
  readonly port: number
  readonly user: string
  /** Undefined: PGPASSWORD or a password file. */
  readonly password: string | undefined
  /** Password file of libpq; undefined: `~/.pgpass`. */
  readonly passwordFile: string | undefined
  readonly database: string
  readonly applicationName: string
  /** Options that the server gets at the start, as the address spells them. */
  readonly options: string | undefined
  readonly connectTimeoutMs: number
  readonly sessionAttributes: SessionAttributes
  readonly tls: TlsRequest
}

const defaultPort = 5432
const defaultConnectTimeoutMs = 10_000

/** Parameters that change the connection. The others of libpq are rejected, never ignored. */
const obeyed = [
  'host',
  'port',
  'user',
  'password',
  'passfile',
  'dbname',
  'application_name',
  'connect_timeout',
  'options',
  'target_session_attrs',
  'channel_binding',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'sslpassword',
  'sslnegotiation',
] as const

/** Values that ask for what happens anyway. */
const idle: Readonly<Record<string, readonly string[]>> = {
  client_encoding: ['UTF8', 'utf8', 'UTF-8', 'utf-8', 'auto'],
  gssencmode: ['disable', 'prefer'],
  keepalives: ['1'],
  load_balance_hosts: ['disable'],
  requiressl: ['0'],
  sslcompression: ['0'],
  sslsni: ['1'],
  // Of the driver of Node.js: its `sslmode` was stricter than that of libpq, which we follow.
  uselibpqcompat: ['true', 'false'],
}

const where = 'COSELL_DATABASE_URL'

function wrong(got: string, remedy: string): CosellError {
  return new CosellError('database.address', `${where}: ${got}. ${remedy}`)
}

/**
 * Returns the parts of a connection string, with the meaning that libpq gives them. No variable of
 * the environment changes them.
 *
 * @throws CosellError `configuration` for a string that is malformed, names several servers, or has
 * a parameter that cannot be obeyed. No message holds the password.
 */
export function parseAddress(url: string): Address {
  rejectSeveralServers(url)
  const target = parseUrl(url)
  const given = readParameters(target.searchParams)
  const host = given.host ?? decoded(target.hostname.replace(/^\[(.+)\]$/, '$1'), 'host')
  const user = given.user ?? (decoded(target.username, 'user') || systemUser())
  const password = given.password ?? decoded(target.password, 'password')
  const database = given.dbname ?? (decoded(target.pathname.slice(1), 'database') || user)
  if (database.includes('@')) {
    throw wrong(
      `the name of the database holds "@", as with a password that has "/" in it`,
      'Write special characters of the password percent-encoded: %40 for @, %2F for /, %25 for %.',
    )
  }
  return {
    host: host === '' ? 'localhost' : host,
    port: whole('port', given.port ?? target.port, defaultPort),
    user,
    password: password === '' ? undefined : password,
    passwordFile: given.passfile,
    database,
    applicationName: given.application_name ?? 'cosell',
    options: given.options,
    connectTimeoutMs:
      whole('connect_timeout', given.connect_timeout, 0) * 1_000 || defaultConnectTimeoutMs,
    sessionAttributes: oneOf(
      'target_session_attrs',
      given.target_session_attrs,
      sessionAttributes,
      'any',
    ),
    tls: readTls(given, isLocalHost(host)),
  }
}

/** Server and database of an address, without user and password. */
export type ServerAddress = Pick<Address, 'host' | 'port' | 'database'>

/** Host, port and database for messages. */
export function placeOf(server: ServerAddress): string {
  return `${hostAndPort(server)}/${server.database}`
}

/** Host and port; IPv6 in brackets, as in an address. */
export function hostAndPort({ host, port }: Pick<Address, 'host' | 'port'>): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Whether the server is on this machine, so that nothing can be read in between. */
export function isLocalHost(host: string): boolean {
  return ['localhost', '127.0.0.1', '::1', ''].includes(host) || host.startsWith('/')
}

type Given = Partial<Record<(typeof obeyed)[number] | 'ssl', string>>

function readTls(given: Given, isLocal: boolean): TlsRequest {
  const { sslrootcert: rootCert, sslcert: cert, sslkey: key } = given
  const named = given.sslmode === undefined ? legacyMode(given.ssl) : sslModeOf(given.sslmode)
  const isAskedFor = [rootCert, cert, key, given.sslnegotiation].some(
    (value) => value !== undefined,
  )
  const mode = named ?? (isLocal && !isAskedFor ? 'disable' : 'verify-full')
  const negotiation = oneOf(
    'sslnegotiation',
    given.sslnegotiation,
    ['postgres', 'direct'],
    'postgres',
  )
  if (negotiation === 'direct' && !/^(require|verify)/.test(mode)) {
    throw wrong(
      `sslnegotiation=direct with sslmode=${mode}`,
      'It needs sslmode=require or stricter.',
    )
  }
  if (rootCert === 'system' && mode !== 'verify-full') {
    throw wrong(
      `sslrootcert=system with sslmode=${mode} trusts any server with a public certificate`,
      'Set sslmode=verify-full.',
    )
  }
  if (mode === 'verify-ca' && rootCert === undefined) {
    throw wrong(
      'sslmode=verify-ca without sslrootcert trusts any server with a public certificate',
      'Name the file of your certificate authority by sslrootcert, or set sslmode=verify-full.',
    )
  }
  if ((cert === undefined) !== (key === undefined)) {
    throw wrong('sslcert and sslkey go together, got one of them', 'Name both files.')
  }
  const channelBinding = oneOf('channel_binding', given.channel_binding, channelBindings, 'disable')
  return { mode, rootCert, cert, key, keyPassword: given.sslpassword, negotiation, channelBinding }
}

/** `no-verify` and `ssl` are of the driver of Node.js, and were accepted before. */
function sslModeOf(mode: string): SslMode {
  return mode === 'no-verify' ? 'require' : oneOf('sslmode', mode, sslModes, 'verify-full')
}

function legacyMode(ssl: string | undefined): SslMode | undefined {
  if (ssl === undefined) return undefined
  const isOn = oneOf('ssl', ssl, ['true', '1', 'false', '0'], 'true')
  return isOn === 'true' || isOn === '1' ? 'verify-full' : 'disable'
}

function readParameters(parameters: URLSearchParams): Given {
  const given: Record<string, string> = {}
  for (const [name, value] of parameters) {
    if (name === 'ssl' || obeyed.some((known) => known === name)) given[name] = value
    else if (!idle[name]?.includes(value)) throw notObeyed(name, value)
  }
  return given
}

function notObeyed(name: string, value: string): CosellError {
  const known = `Known parameters: ${obeyed.join(', ')}.`
  const values = idle[name]
  if (values === undefined) return wrong(`expected no parameter "${name}"`, `Take it out. ${known}`)
  return wrong(`expected ${name}=${values.join(' or ')}, got "${value}"`, `Take it out. ${known}`)
}

/** The user's name comes before the first `@`, so a comma in a password is not one of hosts. */
function rejectSeveralServers(url: string) {
  const [, hosts = ''] = /^\w+:\/\/(?:[^@/?]*@)?([^/?]*)/.exec(url) ?? []
  const [, parameter = ''] = /[?&](?:host|port|hostaddr)=([^&]*)/.exec(url) ?? []
  if (!`${hosts}${parameter}`.includes(',') && !/%2c/i.test(parameter)) return
  throw wrong(
    'expected one server, got several hosts',
    'Name the one that accepts writing, or an address that always leads to it.',
  )
}

const spelling =
  'Write it as postgres://user:password@host:port/database, special characters of the password ' +
  'percent-encoded: %40 for @, %2F for /, %23 for #, %25 for %.'

function parseUrl(url: string): URL {
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url)) {
    throw wrong('expected a connection string, got something else', spelling)
  }
  const target = new URL(url)
  // What follows is cut off by every reader of URLs; it can only be a part of the password.
  if (target.hash !== '') throw wrong('expected no "#"', spelling)
  return target
}

function decoded(text: string, part: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw wrong(`the ${part} holds a "%" that is not percent-encoded`, spelling)
  }
}

function systemUser(): string {
  try {
    return userInfo().username
  } catch {
    throw wrong('expected a user, got none', spelling)
  }
}

function whole(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined || text === '') return otherwise
  if (/^\d{1,5}$/.test(text)) return Number(text)
  throw wrong(`expected a whole number for ${name}, got "${text}"`, 'Correct it.')
}

function oneOf<T extends string>(
  name: string,
  text: string | undefined,
  values: readonly T[],
  otherwise: T,
): T {
  if (text === undefined) return otherwise
  const value = values.find((known) => known === text)
  if (value !== undefined) return value
  throw wrong(`expected ${name} to be one of ${values.join(', ')}, got "${text}"`, 'Correct it.')
}
