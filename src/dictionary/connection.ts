/** Address of the warehouse for BI tools. */
export interface Connection {
  /** Name and port. */
  readonly server: string
  readonly database: string
}
