/** Codes of an issuer that Node.js does not know, such as the one of a proxy that opens TLS. */
const untrusted = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_UNTRUSTED',
])

/** Codes of a connection that broke while it was encrypted, or of a server in trouble. */
const passing =
  /^ERR_TLS_HANDSHAKE_TIMEOUT$|^ERR_SSL_.*(?:INTERNAL_ERROR|USER_CANCELLED|BAD_RECORD_MAC|UNEXPECTED_EOF)/

/** Codes of OpenSSL and Node.js for a peer whose certificate or protocol is not accepted. */
const rejected =
  /CERT|CRL|^UNABLE_TO_|^INVALID_CA$|^INVALID_PURPOSE$|^PATH_LENGTH_EXCEEDED$|^HOSTNAME_MISMATCH$|^ERR_TLS_|^ERR_SSL_|^EPROTO$/

/** Whether a later try may get past an error of TLS; `null` for any other error. */
export function isTlsFailurePassing(code: string): boolean | null {
  if (passing.test(code)) return true
  return rejected.test(code) ? false : null
}

/** Completes "got …" with the cause. */
export function describeTlsFailure(code: string): string {
  if (untrusted.has(code)) return `a certificate of an issuer that Node.js does not know (${code})`
  if (code === 'CERT_HAS_EXPIRED') return `a certificate that has expired (${code})`
  if (code === 'CERT_NOT_YET_VALID') return `a certificate that is not valid yet (${code})`
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID' || code === 'HOSTNAME_MISMATCH')
    return `a certificate of another host (${code})`
  if (/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|^EPROTO$/.test(code))
    return `an answer that is not TLS, or not a version of it that Node.js speaks (${code})`
  return `a failed TLS handshake (${code})`
}

/** Says what helps; `setting` names the address that was connected to. */
export function tlsRemedy(code: string, setting: string): string {
  if (untrusted.has(code))
    return (
      'If your network opens TLS, give Node.js its root certificate: ' +
      'NODE_EXTRA_CA_CERTS=/path/to/root.pem, or NODE_OPTIONS=--use-system-ca where this machine ' +
      `trusts it (Node.js 22.15 or newer). Otherwise check ${setting}.`
    )
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return (
      'Check the clock of this machine; if it is right, the certificate has to be replaced by those ' +
      `who run what ${setting} points to, or the proxy that opens TLS.`
    )
  return `Check host and port of ${setting}, and what stands between (a proxy that opens TLS?).`
}
