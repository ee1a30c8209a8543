/** Name of the file beside the exported ones; it is written last. */
export const manifestName = 'manifest.json'

export type ExportFormat = 'parquet' | 'csv'

/** Contents of a folder that `cosell export` wrote: one snapshot of whole publishes. */
export interface Manifest {
  readonly cosell_version: string
  readonly format: ExportFormat
  /** Instant of the snapshot, in UTC. */
  readonly exported_at: string
  /** Account that the export was limited to; null for all that the login sees. */
  readonly account: string | null
  /** First day of change that was asked for; null for everything. */
  readonly since: string | null
  readonly accounts: readonly ExportedAccount[]
  readonly files: readonly ExportedFile[]
}

/** An account in the snapshot, and the run whose result it shows. */
export interface ExportedAccount {
  readonly account: string
  /** Null before the first run, also in the next two. */
  readonly run_id: number | null
  readonly published_at: string | null
  /** Source time up to which all changes are in the snapshot. */
  readonly watermark: string | null
}

export interface ExportedFile {
  readonly file: string
  readonly table: string
  readonly rows: number
  readonly bytes: number
  readonly sha256: string
  /** False where `since` left rows out. */
  readonly is_whole: boolean
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  /** Sum of each decimal column over all rows, every digit; null where no row has a value. */
  readonly sums: Readonly<Record<string, string | null>>
}
