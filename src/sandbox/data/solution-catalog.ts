import { ownOrganization } from './names.ts'

/** Solutions as the catalog names them; the first six are our own. */
export const catalog = [
  { id: 'SOL-40117-KLC', name: 'Kestrel Ledger Cloud', solutionType: '3P', own: true },
  { id: 'SOL-40118-KLA', name: 'Kestrel Ledger Analytics', solutionType: '3P', own: true },
  { id: 'SOL-52240-FRT', name: 'Freight Settlement Hub', solutionType: '3P', own: true },
  { id: 'SOL-52977-CSH', name: 'Cash Forecast for Treasury ', solutionType: '3P', own: true },
  { id: 'SOL-60031-GRC', name: 'Controls &amp; Compliance Desk', solutionType: '3P', own: true },
  {
    id: 'd3f6a0c2-91b4-4c0e-8a75-2b60cf1e9d34',
    name: 'Invoice Reader',
    solutionType: '3P',
    own: true,
  },
  { id: 'SOL-71455-AQC', name: 'Ledger Migration Sprint', solutionType: '3P', own: false },
  { id: 'SOL-Dynamics365Finance', name: 'Dynamics 365 Finance', solutionType: '1P', own: false },
  { id: 'SOL-AzureSQL', name: 'Azure SQL', solutionType: '1P', own: false },
  { id: 'SA-20871', name: 'Cloud Economics Assessment', solutionType: 'SA', own: false },
] as const

export type CatalogSolution = (typeof catalog)[number]

/** Returns the publisher as the catalog names it. */
export function publisherOf(solution: CatalogSolution): string {
  if (solution.own) return ownOrganization.name
  return solution.solutionType === '3P' ? 'Amber Quay Consulting' : 'Microsoft'
}
