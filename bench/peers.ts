/** Measures whole commands beside dlt: `npm run bench:peers [-- referrals...]`, 10,000 by default. */
import { comparePeers } from './peers/compare.ts'

const sizes = process.argv.slice(2).map(Number)
await comparePeers(sizes.length === 0 ? [10_000] : sizes)
