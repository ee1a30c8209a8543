/** One file to import. */
export interface ImportSource {
  /** Name in messages and in the landing zone. */
  readonly name: string
  /** Bytes of the file. */
  open(): Promise<AsyncIterable<Uint8Array>>
}
