import { type QueryExecutorProvider, sql } from 'kysely'
import { ownersOfMade } from '../access/access-catalog.ts'

type Db = QueryExecutorProvider

/** One overload of a function of ours in `mart`. */
export interface MadeFunction {
  readonly oid: number
  readonly name: string
  /** Name with the arguments, quoted. */
  readonly signature: string
  /** Transaction of the last `create or replace`. */
  readonly xmin: string
  readonly grants: readonly Grant[]
}

interface Grant {
  /** Quoted, or `public`. */
  readonly grantee: string
  readonly is_grantable: boolean
}

/** All overloads of the functions, with who may run them besides their owner. */
export async function readFunctions(db: Db, names: readonly string[]): Promise<MadeFunction[]> {
  if (names.length === 0) return []
  const { rows } = await sql<MadeFunction>`
    select
      p.oid,
      p.proname as name,
      format('mart.%I(%s)', p.proname, pg_get_function_identity_arguments(p.oid)) as signature,
      p.xmin::text as xmin,
      coalesce((
        select jsonb_agg(jsonb_build_object(
          'grantee', coalesce(quote_ident(r.rolname), 'public'),
          'is_grantable', acl.is_grantable
        ))
        from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) acl
        left join pg_roles r on r.oid = acl.grantee
        where acl.grantee <> p.proowner
      ), '[]') as grants
    from pg_proc p
    where p.pronamespace = 'mart'::regnamespace
      and p.proname = any (${[...names]}::text[])
      and p.proowner in ${ownersOfMade}
  `.execute(db)
  return rows
}

export async function dropFunctions(db: Db, functions: readonly MadeFunction[]): Promise<void> {
  for (const { signature } of functions) await sql.raw(`drop function ${signature}`).execute(db)
}

/**
 * Drops the overloads that a file made before and makes no more, and gives new ones the rights that
 * those of the same name had. `before` is what was there before the file ran.
 */
export async function replaceFunctions(
  db: Db,
  names: readonly string[],
  before: readonly MadeFunction[],
): Promise<void> {
  const present = await readFunctions(db, names)
  const isUntouched = ({ oid, xmin }: MadeFunction) =>
    before.some((one) => one.oid === oid && one.xmin === xmin)
  await dropFunctions(db, present.filter(isUntouched))
  for (const made of present) {
    const earlier = before.filter(({ name }) => name === made.name)
    if (isUntouched(made) || earlier.length === 0) continue
    if (earlier.some(({ oid }) => oid === made.oid)) continue
    const statements = [
      ...made.grants.map(
        ({ grantee }) => `revoke all on function ${made.signature} from ${grantee}`,
      ),
      ...earlier
        .flatMap(({ grants }) => grants)
        .map(
          ({ grantee, is_grantable }) =>
            `grant execute on function ${made.signature} to ${grantee}` +
            (is_grantable ? ' with grant option' : ''),
        ),
    ]
    for (const statement of statements) await sql.raw(statement).execute(db)
  }
}
