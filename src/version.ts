import { readFileSync } from 'node:fs'

/** Folder of package.json and `sql`, which are beside `src` as well as beside the bundle in `dist`. */
export const packageFolder = new URL('../', import.meta.url)

const manifest: unknown = JSON.parse(readFileSync(new URL('package.json', packageFolder), 'utf8'))

/** Version in package.json. */
export const appVersion: string =
  typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown'
