import type { Kysely } from '../../src/warehouse/connection/database.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'

/** One tool, or several of a kind, that use a loaded warehouse as people do. */
export interface Campaign {
  readonly name: string
  /** Arguments of each `pip install`, one after the other, into an environment of its own. */
  readonly packages: readonly (readonly string[])[]
  /** Returns what was found, in one line. @throws Error when anything is not as it should be. */
  run(stage: Stage): Promise<string>
}

export interface Stage {
  /** Folder of this campaign alone, gone afterwards. */
  readonly folder: string
  /** Returns the path of a program of the environment, such as python. */
  program(name: string): string
  /** Runs a program and returns its standard output. @throws Error with all of its output. */
  execute(program: string, args: readonly string[], options?: ExecuteOptions): Promise<string>
  /** Runs `cosell` on the warehouse of the demo. */
  cosell(...args: readonly string[]): Promise<string>
  readonly warehouse: DemoWarehouse
}

export interface ExecuteOptions {
  readonly cwd?: string
  /** Variables beside those of this process. */
  readonly env?: Readonly<Record<string, string>>
}

/** The demo on an embedded server, one for all campaigns. */
export interface DemoWarehouse {
  /** Address with the login for BI tools. */
  readonly readerUrl: string
  /** Address with the superuser. */
  readonly ownerUrl: string
  /** Queries of the superuser. */
  readonly query: Kysely<Database>
}
