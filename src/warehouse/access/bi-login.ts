import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import { CosellError } from '../../errors.ts'
import { joinStatement } from './grant-statements.ts'
import { runStep } from './grants.ts'
import { biLogin, groups } from './roles.ts'

/** Comment of the role; its beginning says that cosell made it. */
const purpose = 'cosell: login for BI tools. Reads dw and mart; its password is kept by cosell.'
const madeByUs = 'cosell: '

/** The login as it is. */
interface BiLoginState {
  readonly is_ours: boolean
  /** Hash of the password; null without one. */
  readonly verifier: string | null
  /** The role may sign in, and may do nothing beside what its groups may. */
  readonly is_plain: boolean
  /** It has the rights of `cosell_bi`. */
  readonly is_reader: boolean
  /** Groups other than `cosell_bi`, with the role that put the login into them. */
  readonly other_groups: readonly { readonly name: string; readonly grantor: string }[]
}

/**
 * Makes the login, or gives it back its password, its group and no other. It only reads while the
 * login is as it should be. Settings of the role are made once, and are left to its users.
 *
 * @throws CosellError `postgres.login_taken` when others made a role of that name.
 */
export async function putBiLogin<Schema>(db: Kysely<Schema>, password: string): Promise<void> {
  const { rows } = await sql<{ version: number }>`
    select current_setting('server_version_num')::integer as version`.execute(db)
  const statements = biLoginStatements(await readState(db), password, rows[0]?.version ?? 0)
  if (statements.length > 0) await runStep(db, { statements })
}

/** Returns the statements that the login still needs. `version` is `server_version_num`. */
function biLoginStatements(
  state: BiLoginState | undefined,
  password: string,
  version: number,
): string[] {
  if (state === undefined) {
    return [
      `create role ${biLogin} login password '${newVerifier(password)}' in role ${groups.bi}`,
      `comment on role ${biLogin} is '${purpose}'`,
      // Guards against a slip; the rights are those of the group.
      `alter role ${biLogin} set default_transaction_read_only = on`,
      `alter role ${biLogin} set search_path = mart, dw, public`,
    ]
  }
  if (!state.is_ours) throw taken()
  const isAsKept = state.is_plain && isPasswordOf(state.verifier, password)
  const attributes =
    'login nosuperuser nocreatedb nocreaterole noreplication nobypassrls inherit ' +
    `valid until 'infinity' password '${newVerifier(password)}'`
  return [
    ...(isAsKept ? [] : [`alter role ${biLogin} ${attributes}`]),
    ...(state.is_reader ? [] : [joinStatement(groups.bi, biLogin, version)]),
    ...state.other_groups.map(({ name, grantor }) => {
      // Since 16 the grant of each role is one of its own.
      const giver = version >= 160_000 ? ` granted by ${grantor}` : ''
      return `revoke ${name} from ${biLogin}${giver} cascade`
    }),
  ]
}

async function readState<Schema>(db: Kysely<Schema>): Promise<BiLoginState | undefined> {
  const { rows } = await sql<BiLoginState>`
    select
      coalesce(starts_with(shobj_description(login.oid, 'pg_authid'), ${madeByUs}), false) as is_ours,
      login.rolpassword as verifier,
      login.rolcanlogin
        and login.rolinherit
        and not (
          login.rolsuper or login.rolcreatedb or login.rolcreaterole or login.rolreplication
          or login.rolbypassrls
        )
        and coalesce(login.rolvaliduntil, 'infinity') = 'infinity' as is_plain,
      coalesce(pg_has_role(login.oid, to_regrole(${groups.bi}), 'usage'), false) as is_reader,
      coalesce((
        select json_agg(json_build_object(
          'name', quote_ident(pg_get_userbyid(member.roleid)),
          'grantor', quote_ident(pg_get_userbyid(member.grantor))
        ))
        from pg_auth_members member
        where member.member = login.oid and member.roleid <> to_regrole(${groups.bi})
      ), '[]') as other_groups
    from pg_authid login
    where login.rolname = ${biLogin}`.execute(db)
  return rows[0]
}

function taken(): CosellError {
  return new CosellError(
    'postgres.login_taken',
    `Role ${biLogin}: expected the login that cosell makes for BI tools, got a role that others ` +
      `made. Rename it (alter role ${biLogin} rename to …), then run again.`,
  )
}

/**
 * Returns the hash that PostgreSQL stores of a password (RFC 5803). It takes the place of the
 * password in statements, so that no log of the server holds it.
 */
function newVerifier(password: string): string {
  return verifierOf(password, randomBytes(16).toString('base64'), 4096)
}

function isPasswordOf(verifier: string | null, password: string): boolean {
  const [, iterations, salt] = /^SCRAM-SHA-256\$(\d+):([^$]+)\$/.exec(verifier ?? '') ?? []
  if (salt === undefined) return false
  return verifier === verifierOf(password, salt, Number(iterations))
}

function verifierOf(password: string, salt: string, iterations: number): string {
  const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), iterations, 32, 'sha256')
  const keyed = (text: string) => createHmac('sha256', salted).update(text).digest()
  const stored = createHash('sha256').update(keyed('Client Key')).digest('base64')
  return `SCRAM-SHA-256$${iterations}:${salt}$${stored}:${keyed('Server Key').toString('base64')}`
}
