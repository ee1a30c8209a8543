import { CosellError } from '../../errors.ts'

/** Keys of COSELL_TOKEN_KEY as bytes: the first encrypts, each decrypts. */
export type TokenKeys = readonly [Uint8Array, ...Uint8Array[]]

/** Encrypts a refresh token: a compact JWE with AES-256-GCM. */
export async function encryptToken([key]: TokenKeys, refreshToken: string): Promise<string> {
  const { CompactEncrypt } = await import('jose')
  return new CompactEncrypt(new TextEncoder().encode(refreshToken))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
    .encrypt(key)
}

/**
 * Decrypts what `encryptToken` made with one of the keys; `account` is named in the failure.
 *
 * @throws CosellError `auth.token_key` when no key fits.
 */
export async function decryptToken(
  keys: TokenKeys,
  account: string,
  token: string,
): Promise<string> {
  const { compactDecrypt } = await import('jose')
  const accepted = { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] }
  for (const key of keys) {
    const opened = await compactDecrypt(token, key, accepted).catch(() => undefined)
    if (opened !== undefined) return new TextDecoder().decode(opened.plaintext)
  }
  throw noKeyFits(account)
}

function noKeyFits(account: string): CosellError {
  const text =
    `Account ${account}: no key of COSELL_TOKEN_KEY opens its sign-in in the warehouse. Give every machine ` +
    'the same key, with the former one after a comma while it is changed, or sign in again with `cosell login`.'
  return new CosellError('auth.token_key', text)
}
