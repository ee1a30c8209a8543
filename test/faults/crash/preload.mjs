// Loaded before the program (`node --import`): kills it at the boundary KILL_AT, counted from 1, or
// just after what that boundary announces has left the process (KILL_SENT). Tells on descriptor 3
// where it was; without KILL_AT every boundary.
import { subscribe } from 'node:diagnostics_channel'
import { writeSync } from 'node:fs'

const at = Number(process.env.KILL_AT ?? 0)
const isSent = process.env.KILL_SENT !== undefined
let crossed = 0

const end = () => process.kill(process.pid, 'SIGKILL')

subscribe('cosell:io', (boundary) => {
  crossed += 1
  if (at !== 0 && crossed !== at) return
  writeSync(3, `${JSON.stringify(boundary)}\n`)
  if (at === 0) return
  // What is written is handed over to the system once the caller, and what it has put off, is done.
  if (isSent) process.nextTick(() => process.nextTick(end))
  else end()
})
