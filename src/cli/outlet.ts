import { closeSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { isatty } from 'node:tty'

/** Receives the reason when a text could not be written, or its reader was too slow for it. */
type OnLost = (reason: Error) => void

/** Standard output or standard error that may be full, closed, slow or gone: no write throws. */
export interface Outlet {
  readonly isTerminal: boolean
  /** Present width of a terminal. */
  columns(): number | undefined
  write(text: string, onLost?: OnLost): void
  /** Resolves when nothing waits to be written. */
  settled(): Promise<void>
}

/**
 * Opens a standard stream. A reader that takes nothing may leave `waitingMax` characters in memory;
 * what comes after that is lost.
 *
 * Terminals and files are written at once. A pipe is written beside the work, so a reader that stops
 * neither stops the command nor its heartbeat.
 */
export function openOutlet(name: 'stdout' | 'stderr', waitingMax: number): Outlet {
  const stream = streamOf(name)
  if (stream instanceof Error) return goneOutlet(stream)
  // Without a listener a closed pipe, or a terminal that is gone, would end the process.
  stream.on('error', () => undefined)
  const isFile = !(stream instanceof Socket)
  return isFile ? fileOutlet(name === 'stdout' ? 1 : 2) : pipeOutlet(stream, waitingMax)
}

/** The stream of Node.js; an error where the terminal was gone before the start. */
function streamOf(name: 'stdout' | 'stderr'): (typeof process)[typeof name] | Error {
  try {
    return process[name]
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

function goneOutlet(reason: Error): Outlet {
  return {
    isTerminal: false,
    columns: () => undefined,
    write: (_, onLost) => onLost?.(reason),
    settled: () => Promise.resolve(),
  }
}

function pipeOutlet(
  stream: Socket & { isTTY?: boolean; columns?: number },
  waitingMax: number,
): Outlet {
  let waiting = 0
  let wake: (() => void)[] = []
  return {
    isTerminal: stream.isTTY === true,
    columns: () => stream.columns,
    write(text, onLost) {
      if (waiting > 0 && waiting + text.length > waitingMax) {
        onLost?.(new Error('its reader takes nothing'))
        return
      }
      waiting += text.length
      stream.write(text, (error) => {
        waiting -= text.length
        if (error) onLost?.(error)
        if (waiting > 0) return
        for (const done of wake) done()
        wake = []
      })
    },
    settled: () =>
      waiting === 0 ? Promise.resolve() : new Promise<void>((done) => wake.push(done)),
  }
}

/** Node.js drops the rest of a file's text when a full disk takes a part of it; this does not. */
function fileOutlet(fd: number): Outlet {
  let isTorn = false
  const write = (text: string, onLost?: OnLost) => {
    const bytes = Buffer.from(isTorn ? `\n${text}` : text)
    let written = 0
    try {
      while (written < bytes.length) written += writeSync(fd, bytes, written)
      isTorn = false
    } catch (error) {
      // A file that has room again gets its next line at the beginning of a line.
      if (written > 0) isTorn = true
      onLost?.(error instanceof Error ? error : new Error(String(error)))
    }
  }
  return { isTerminal: false, columns: () => undefined, write, settled: () => Promise.resolve() }
}

/**
 * Closes terminals that are gone when the process exits. Node.js 20 to 24 restores the mode of each
 * terminal at its exit, and aborts (SIGABRT) when one answers EIO; a closed one it leaves alone.
 */
export function closeLostTerminals() {
  const terminals = [0, 1, 2].filter((fd) => isatty(fd))
  process.on('exit', () => {
    for (const fd of terminals) {
      try {
        if (!isatty(fd)) closeSync(fd)
      } catch {
        // Closed already.
      }
    }
  })
}
