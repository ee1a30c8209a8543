import { attentionMeasures } from './attention-measures.ts'
import { contractMeasures } from './contract-measures.ts'
import type { Measure } from './measure.ts'
import { pipelineMeasures } from './pipeline-measures.ts'

const list = [...pipelineMeasures, ...contractMeasures, ...attentionMeasures] as const

export type MeasureName = (typeof list)[number]['name']
export type NamedMeasure = Measure & { readonly name: MeasureName }

/** Every measure: the only place where a figure is defined for Power BI and other tools. */
export const measures: readonly NamedMeasure[] = list
