import fs from 'node:fs'
import path from 'node:path'

/**
 * Creates a folder where it is missing, and those above it.
 *
 * `recursive` of Node.js is not used: 20 reports a read-only file system as ENOENT, and never returns
 * below /proc, where a folder exists and takes no other.
 *
 * @throws Error of `node:fs` for the outermost folder that cannot be made; its `path` names it.
 */
export function makeFolders(folder: string, mode = 0o777): void {
  if (isFolder(folder)) return
  const parent = path.dirname(folder)
  if (parent !== folder) makeFolders(parent, mode)
  try {
    fs.mkdirSync(folder, { mode })
  } catch (error) {
    // Another process may have made it since.
    if (!isFolder(folder)) throw error
  }
}

function isFolder(file: string): boolean {
  try {
    return fs.statSync(file).isDirectory()
  } catch {
    return false
  }
}
