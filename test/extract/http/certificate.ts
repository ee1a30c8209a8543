import {
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto'

// Minimal X.509 for the tests, encoded by hand: Node can read certificates but not create them.

const oid = {
  ecdsaWithSha256: '2a8648ce3d040302',
  commonName: '550403',
  subjectAltName: '551d11',
  basicConstraints: '551d13',
}

export interface Identity {
  /** In PEM. */
  certificate: string
  /** In PEM. */
  key: string
  privateKey: KeyObject
  name: string
}

/** Creates a certificate authority. */
export function createAuthority(name: string): Identity {
  return issue({ name, days: [-2, 2], extensions: [extension(oid.basicConstraints, caTrue)] }, null)
}

/** Creates a server's certificate for a host; its first and last valid day count from today. */
export function createServerIdentity(
  authority: Identity,
  host: string,
  days: readonly [number, number] = [-1, 1],
): Identity {
  const octets = /^(\d+\.){3}\d+$/.test(host) ? host.split('.').map(Number) : null
  const name = octets === null ? der(0x82, Buffer.from(host)) : der(0x87, Buffer.from(octets))
  const extensions = [extension(oid.subjectAltName, der(0x30, name))]
  return issue({ name: host, days, extensions }, authority)
}

const caTrue = der(0x30, der(0x01, Buffer.from([0xff])))

function issue(
  subject: { name: string; days: readonly [number, number]; extensions: Buffer[] },
  authority: Identity | null,
): Identity {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const algorithm = der(0x30, der(0x06, Buffer.from(oid.ecdsaWithSha256, 'hex')))
  const body = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(7)])),
    algorithm,
    distinguishedName(authority?.name ?? subject.name),
    der(0x30, ...subject.days.map(time)),
    distinguishedName(subject.name),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(0x30, ...subject.extensions)),
  )
  const signature = sign('sha256', body, authority?.privateKey ?? privateKey)
  const whole = der(0x30, body, algorithm, der(0x03, Buffer.from([0]), signature))
  return {
    certificate: new X509Certificate(whole).toString(),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    privateKey,
    name: subject.name,
  }
}

function distinguishedName(name: string): Buffer {
  const value = [der(0x06, Buffer.from(oid.commonName, 'hex')), der(0x0c, Buffer.from(name))]
  return der(0x30, der(0x31, der(0x30, ...value)))
}

function extension(id: string, value: Buffer): Buffer {
  return der(0x30, der(0x06, Buffer.from(id, 'hex')), der(0x04, value))
}

function time(days: number): Buffer {
  const iso = new Date(Date.now() + days * 86_400_000).toISOString()
  return der(0x17, Buffer.from(`${iso.slice(2, 19).replace(/[-:T]/g, '')}Z`))
}

function der(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents)
  const { length } = content
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}
