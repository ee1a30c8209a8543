import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** Program that opens an address in the browser of the user, and what goes before the address. */
export function browserCommand(platform: NodeJS.Platform): readonly [string, ...string[]] {
  if (platform === 'darwin') return ['open']
  // `start` is a word of the shell, which would read the address; this program is what it calls.
  if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler']
  return ['xdg-open']
}

/**
 * Opens an address in the browser of the user, without a shell. Returns false where no program for it
 * could be started; the browser outlives this process.
 */
export async function openBrowser(url: string, platform = process.platform): Promise<boolean> {
  const [program, ...before] = browserCommand(platform)
  const child = spawn(program, [...before, url], { stdio: 'ignore', detached: true })
  try {
    await once(child, 'spawn')
  } catch {
    return false
  }
  child.unref()
  return true
}
