import type { BiConnection } from '../../warehouse/bi-connection.ts'

/** Renders how BI tools connect. The string stands alone in its line, unquoted. */
export function renderBiConnection({ url, login, isRowSecured }: BiConnection): string {
  const string = `Connection string for BI tools: ${url}`
  if (login === undefined) {
    return [
      string,
      'It needs a user and a password. Let an administrator make a login:',
      "  create role report_reader login password '…' in role cosell_bi;",
    ].join('\n')
  }
  return [
    string,
    'It reads dw and mart, nothing else. psql takes it too, where it is installed.',
    ...(isRowSecured
      ? [`Row-level security is on: etl.bi_access says which accounts ${login} sees.`]
      : []),
  ].join('\n')
}
