import type { Layout } from './column.ts'
import { cosell2021, cosell2023 } from './cosell.ts'
import { insightsCosell, insightsLeads } from './insights.ts'
import { registrations } from './registrations.ts'

/** Every kind of file that an import knows. */
export const layouts: readonly Layout[] = [
  cosell2023,
  cosell2021,
  registrations,
  insightsCosell,
  insightsLeads,
]
