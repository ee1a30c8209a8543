import type { MovedRows } from '../../warehouse/dump/write-dump.ts'
import type { StoppedServer } from '../../warehouse/embedded/embedded.ts'

/** Renders the end of the embedded server of `home`, with the folder that an uninstall removes. */
export function renderStopped({ wasRunning, folder }: StoppedServer, home: string): string {
  if (folder === undefined) return `The embedded warehouse is not running: ${home} holds none.`
  const state = wasRunning ? 'stopped' : 'not running'
  return [`The embedded warehouse is ${state}. Its data are in:`, `  ${folder}`].join('\n')
}

/** Renders what a dump or a restore moved; `where` ends the sentence. */
export function renderMoved({ rows, tables }: MovedRows, where: string): string {
  return `${rows.toLocaleString('en-US')} rows of ${tables} tables ${where}`
}
