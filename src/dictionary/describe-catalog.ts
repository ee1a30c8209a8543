import { contractExamples, edgeCaseExamples } from './acv-examples.ts'
import type { ColumnEntry, Dictionary, FunctionEntry, TableEntry } from './dictionary.ts'
import { splitComment } from './lineage.ts'
import type { Catalog, CatalogFunction, CatalogRelation } from './read-catalog.ts'
import { relationshipsOf } from './relationships.ts'

/** Builds the dictionary of a catalog from its comments, keys and foreign keys. */
export function describeCatalog({ schemas, relations, functions }: Catalog): Dictionary {
  const tableOf = (relation: CatalogRelation): TableEntry => ({
    name: relation.name,
    isView: relation.isView,
    ...partsOf(relation.comment),
    key: relation.key,
    uniques: relation.uniques,
    columns: relation.columns.map(
      (column): ColumnEntry => ({
        name: column.name,
        type: typeText(column.type),
        isNullable: column.isNullable,
        isKey: relation.key.includes(column.name),
        ...splitComment(column.comment),
        pointsTo:
          relation.foreignKeys.find(({ columns }) => columns[0] === column.name)?.target ?? null,
      }),
    ),
  })
  const functionOf = ({ name, comment, ...typed }: CatalogFunction): FunctionEntry => ({
    name,
    ...partsOf(comment),
    arguments: typed.arguments,
    columns: typed.columns,
  })
  return {
    schemas: Object.entries(schemas).map(([name, meaning]) => ({
      name,
      meaning,
      tables: relations.filter(({ schema }) => schema === name).map(tableOf),
      functions: functions.filter(({ schema }) => schema === name).map(functionOf),
    })),
    relationships: relationshipsOf(relations),
    contracts: contractExamples(),
    edgeCases: edgeCaseExamples(),
  }
}

/** Splits a comment into its first sentence, its questions, and the other sentences. */
export function partsOf(comment: string): Pick<TableEntry, 'grain' | 'notes' | 'questions'> {
  const sentences = comment.split(/(?<=[.?!]["']?)\s+(?=["'A-Z0-9])/).filter((part) => part !== '')
  const isQuestion = (sentence: string) => /\?["']?$/.test(sentence)
  const [grain = '', ...notes] = sentences.filter((sentence) => !isQuestion(sentence))
  return { grain, notes: notes.join(' '), questions: sentences.filter(isQuestion).map(toQuestion) }
}

/** Turns "Answers: what is due?" into the question itself. */
function toQuestion(sentence: string): string {
  const question = sentence.replace(/^Answers: /, '')
  return question.charAt(0).toUpperCase() + question.slice(1)
}

function typeText(type: string): string {
  return type === 'timestamp with time zone' ? 'timestamptz' : type
}
