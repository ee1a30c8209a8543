import { readFileSync } from 'node:fs'
import * as tls from 'node:tls'
import { CosellError } from '../../errors.ts'
import { type Address, isLocalHost, type TlsRequest } from './address.ts'

/** How one attempt connects: in the clear, or by TLS with these options. */
export type TlsAttempt = false | tls.ConnectionOptions

/** Security of the connection, as its address says. */
export interface ConnectionSecurity {
  /** The server is this machine. */
  readonly isLocal: boolean
  /** Anyone in between may pose as the server. */
  readonly isUnverified: boolean
}

/**
 * Returns the attempts that libpq makes for `sslmode`, in order. A Unix socket has no TLS. With
 * `sslrootcert`, `prefer` and `require` verify the chain as `verify-ca` does.
 *
 * @throws CosellError `configuration` when a file is missing or holds no certificate or key.
 */
export function tlsAttempts({ host, tls: request }: Address): readonly TlsAttempt[] {
  if (host.startsWith('/') || request.mode === 'disable') return [false]
  const encrypted = secureOptions(request)
  if (request.mode === 'allow') return [false, encrypted]
  return request.mode === 'prefer' ? [encrypted, false] : [encrypted]
}

/** Returns what the address says of the connection's security. */
export function securityOf({ host, tls: { mode, rootCert } }: Address): ConnectionSecurity {
  const isChainVerified =
    mode.startsWith('verify') || (mode === 'require' && rootCert !== undefined)
  return { isLocal: isLocalHost(host), isUnverified: !isChainVerified }
}

function secureOptions(request: TlsRequest): tls.ConnectionOptions {
  const { mode, rootCert, keyPassword } = request
  const ca = rootCert === undefined ? undefined : trusted(rootCert)
  const isVerified = mode.startsWith('verify') || rootCert !== undefined
  const options: tls.ConnectionOptions = {
    rejectUnauthorized: isVerified,
    // Undefined properties would replace Node's trust store and its check of the name.
    ...(ca === undefined ? {} : { ca }),
    ...(mode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
    ...(request.cert === undefined ? {} : { cert: readPem('sslcert', request.cert) }),
    ...(request.key === undefined ? {} : { key: readPem('sslkey', request.key) }),
    ...(keyPassword === undefined ? {} : { passphrase: keyPassword }),
  }
  try {
    tls.createSecureContext(options)
  } catch (error) {
    const files = [rootCert, request.cert, request.key].filter((file) => file !== undefined)
    const reason = error instanceof Error ? error.message : String(error)
    throw new CosellError(
      'database.tls',
      `COSELL_DATABASE_URL: expected PEM files that belong together, got ${files.join(', ')} (${reason}). Correct sslrootcert, sslcert, sslkey or sslpassword.`,
      { cause: error },
    )
  }
  return options
}

/** Certificate authorities of a file, or those of the machine beside the ones that Node trusts. */
function trusted(rootCert: string): string | string[] | undefined {
  if (rootCert !== 'system') return readPem('sslrootcert', rootCert)
  // From Node.js 22.15 on. Before, the store of Node with NODE_EXTRA_CA_CERTS has to do.
  const read = Reflect.get(tls, 'getCACertificates') as ((kind: string) => string[]) | undefined
  return read === undefined ? undefined : [...read('default'), ...read('system')]
}

function readPem(parameter: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    throw new CosellError(
      'database.tls',
      `COSELL_DATABASE_URL: the file of ${parameter} cannot be read (${code}): ${file}. Correct the name or the rights; a relative name is one of the working directory.`,
      { cause: error },
    )
  }
}
