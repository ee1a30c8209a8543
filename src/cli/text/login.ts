import type { LoginResult } from '../../extract/login.ts'

export function renderLogin({ account, token_file: file, notes }: LoginResult): string {
  const done = `Signed in for the account ${account}; the sign-in is kept in ${file ?? 'the warehouse'}.`
  return [done, ...notes].join('\n')
}
