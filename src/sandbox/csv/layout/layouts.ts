import { coSell2021, coSell2023 } from './co-sell.ts'
import type { Layout } from './column.ts'
import { insightsCoSell, insightsLeads } from './insights.ts'
import { registrations } from './registrations.ts'

/** Every kind of file that the sandbox writes. */
export const layouts: readonly Layout[] = [
  coSell2023,
  coSell2021,
  registrations,
  insightsCoSell,
  insightsLeads,
]
